//! The death of nodes: who is NotReady, tainted and evicted, and when. The rows of C5, and what moves them.

mod story;

use sim_eks::Record;
use sim_eks::plan::{Change, ZoneId};
use story::{Story, fact, measure, story, value};

/// `nodes` nodes in each of three zones, with few pods; at minute 10 a share of those in zone a stops for good. Nobody
/// replaces instances, and the controllers' leader is elsewhere.
fn loss(nodes: u32, share: f64) -> Story {
    let mut story = story(3 * nodes).placed("b,c", "b", "b").set("node_group.replace_instances", "false");
    story.plan.deployments[0].replicas = 6 * nodes;
    story.at(10, Change::NodeLoss { zone: ZoneId(0), share, lasts: None })
}

#[test]
fn explore() {
    for (nodes, share, minutes) in
        [(2, 1.0, 30), (10, 1.0, 30), (100, 1.0, 60), (100, 0.6, 130), (40, 0.6, 60), (100, 0.5, 60)]
    {
        let record = loss(nodes, share).minutes(minutes).record();
        println!("--- {nodes} {share}");
        show(&record);
    }
    let mut all = loss(30, 1.0).minutes(40);
    for zone in [1, 2] {
        all = all.at(10, Change::NodeLoss { zone: ZoneId(zone), share: 1.0, lasts: None });
    }
    println!("--- all");
    show(&all.record());
    println!("--- zone dark, replaced");
    show(&story(30).zone_a_goes_dark().record());
    println!("--- zone dark, replaced, leader lost");
    show(&story(30).placed("a,b", "a", "a").zone_a_goes_dark().record());
}

fn show(record: &Record) {
    for m in &record.measures {
        if m.name.starts_with("nodes") || m.name.starts_with("pods") || m.name.starts_with("workload") {
            println!("{:40} {:?}", m.name, m.value);
        }
    }
    for fact in &record.timeline {
        println!(
            "{:4} {:>4} {} {} x{} {}",
            fact.id,
            fact.cause.map_or(String::new(), |c| c.to_string()),
            fact.first,
            fact.last,
            fact.count,
            fact.text
        );
    }
    for b in &record.balances {
        if !b.holds() {
            println!("!! {b:?}");
        }
    }
}
