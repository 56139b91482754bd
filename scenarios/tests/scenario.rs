//! Stories of scenarios that are right: what the plan says of them.

use scenarios::{Request, library, load};
use sim_eks::Plan;
use sim_eks::plan::{Change, NoteKind, ZoneId};
use sim_eks::quantity::parse_duration;

fn request(scenario: &str) -> Request<'_> {
    Request { scenario, cluster: None, sets: &[], still: false }
}

fn plan(scenario: &str) -> Plan {
    load(&request(scenario)).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn every_built_in_scenario_opens_with_its_question_and_loads() {
    for built_in in library() {
        let plan = plan(built_in.name);
        assert!(built_in.text.starts_with("# "), "{}", built_in.name);
        assert_eq!((plan.title.as_str(), plan.question.as_str()), (built_in.title, built_in.question));
        assert_eq!(plan.scenario, built_in.name);
        assert!(plan.steps.len() == 1 && plan.objectives.len() == 1 && plan.replications == 18);
        assert!(plan.notes.iter().all(|note| note.kind != NoteKind::Warning), "{:?}", plan.notes);
    }
}

#[test]
fn az_failure_loses_the_first_zone_for_half_an_hour() {
    let plan = plan("az-failure");
    let lasts = Some(parse_duration("30m").unwrap());
    assert_eq!(plan.steps[0].change, Change::ZonePowerLoss { zone: ZoneId(0), lasts });
    assert_eq!(plan.steps[0].at.as_nanos(), parse_duration("10m").unwrap().as_nanos());
    assert_eq!(plan.cluster.nodes(), 6);
    let pods: Vec<_> = plan.deployments.iter().map(|each| (each.name.as_str(), each.replicas)).collect();
    assert_eq!(pods, [("service-1", 15), ("service-2", 15), ("service-3", 15), ("service-4", 15), ("coredns", 2)]);
}
