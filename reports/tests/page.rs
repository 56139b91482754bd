//! The page: complete, self-contained, and harmless whatever names it shows.

mod common;

use reports::{Document, html};
use sim_eks::record::{Fact, Weight};
use sim_kernel::SimTime;

#[test]
fn every_section_is_there_in_its_order() {
    let page = html(&common::document(8));
    let sections = [
        "verdict",
        "cases",
        "clients",
        "measures",
        "time",
        "timeline",
        "requests",
        "assumed",
        "filled",
        "not-modelled",
    ];
    let places: Vec<_> = sections.iter().map(|id| page.find(&format!("<section id=\"{id}\""))).collect();
    assert!(places.iter().all(Option::is_some), "{places:?}");
    assert!(places.is_sorted(), "{places:?}");
    for told in ["44.4 %", "ekssim run az-failure --seed 1 --replications 8 --set dns.ttl=30s", "iam.withOIDC", "±"] {
        assert!(page.contains(told), "{told}");
    }
}

#[test]
fn the_page_loads_nothing() {
    let page = html(&common::document(8));
    for loads in ["http://", "https://", "src=", "@import", "url(", "<link", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(loads), "{loads}");
    }
}

#[test]
fn hostile_names_stay_text() {
    let hostile = "</script><script>alert(1)</script>\"'&\u{0}\u{202e}<b>東京";
    let mut document = common::document(8);
    let plan = &mut document.plan;
    for field in [&mut plan.title, &mut plan.question, &mut plan.scenario, &mut plan.cluster.name] {
        *field = hostile.into();
    }
    plan.cluster.zones[0].name = hostile.into();
    plan.notes[0].text = hostile.into();
    plan.settings[0].origin = hostile.into();
    plan.objectives[0].text = hostile.into();
    document.command = hostile.into();
    for record in &mut document.records {
        record.timeline[0].text = hostile.into();
        record.clients[0].class = hostile.into();
        record.clients[0].verbs[0].failed[0].0 = hostile.into();
        for series in &mut record.series {
            series.name = format!("{}.{hostile}", series.name);
        }
    }
    for estimate in &mut document.findings.total {
        estimate.name = format!("{}.{hostile}", estimate.name);
        estimate.definition = hostile.into();
    }
    for case in &mut document.findings.cases {
        case.case.label = hostile.into();
    }
    let page = html(&document);
    assert!(!page.contains("<script>alert") && !page.contains("<b>"), "markup got through");
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!page.contains(['\u{0}', '\u{202e}']));
    assert!(page.contains("東京"));
}

#[test]
fn one_replication_says_that_it_has_no_interval() {
    let page = html(&common::document(1));
    assert!(page.contains("n=1: no interval"));
    assert!(page.contains("No replication drew cases with a probability of 55.6 % together"));
}

#[test]
fn a_long_timeline_keeps_its_turning_points_and_says_what_is_left_out() {
    let mut document = common::document(8);
    for record in &mut document.records {
        let turn = Fact { id: 1_999, weight: Weight::Turn, text: "the last turn".into(), ..record.timeline[0].clone() };
        record.timeline = (0..1_999).map(|id| detail(id, &turn)).chain([turn.clone()]).collect();
    }
    let page = html(&document);
    assert_eq!(page.matches("class=\"what\"").count(), 2_000);
    assert_eq!(page.matches("the last turn").count(), 3);
    assert!(page.contains("of less weight: see record.json"));
}

fn detail(id: u32, like: &Fact) -> Fact {
    Fact {
        id,
        cause: id.checked_sub(1),
        first: SimTime::ZERO,
        weight: Weight::Detail,
        text: "detail".into(),
        ..like.clone()
    }
}

#[test]
fn an_empty_document_is_a_page_too() {
    let mut document: Document = common::document(1);
    document.findings.total.clear();
    document.findings.cases.clear();
    document.findings.bands.clear();
    document.records.clear();
    document.plan.steps.clear();
    document.plan.objectives.clear();
    document.plan.notes.clear();
    assert!(html(&document).contains("No objectives were set"));
}

#[test]
fn equal_documents_give_equal_pages() {
    assert_eq!(html(&common::document(8)), html(&common::document(8)));
}
