//! D3: token buckets and rests, as EC2 and the VPC CNI document them.

use crate::d2_fargate::without_nodes;
use crate::d4_warm_pool::defaults;
use crate::story::{Story, at_minute, measure, roomy, story};
use crate::table::{Allowed, Row, check};
use sim_eks::ids::PodId;
use sim_eks::plan::Change;
use sim_eks::stations::compute::fargate::{Fargate, Turn};
use sim_eks::stations::compute::image_store::{ImageStore, PullSettings};
use sim_eks::stations::compute::vpc_cni::{AddressPool, PoolSettings};
use sim_eks::stations::network::{Ec2Action, Ec2Api};
use sim_kernel::{SimDuration, SimTime};

fn row(what: &str, published: f64, found: f64) -> Row {
    Row { result: "D3", what: what.to_owned(), published, found, allowed: Allowed::Exactly }
}

#[test]
fn d3_the_last_of_200_calls_is_accepted_after_five_seconds() {
    let mut api = Ec2Api::new(20.0, 100);
    let mut now = SimTime::ZERO;
    for _ in 0..200 {
        while !api.call(now, Ec2Action::AssignAddresses) {
            now += SimDuration::from_millis(1);
        }
    }
    let last = now.saturating_since(SimTime::ZERO).as_secs_f64();
    check(&[row("200 calls at once, bucket of 100, 20 a second: the last is accepted, s", 5.0, last)]);
}

#[test]
fn d3_no_address_is_used_again_within_30_s() {
    let settings = PoolSettings { max_pods: 29, ..defaults(1, 30) };
    let (mut pool, given) = AddressPool::settled(29, &settings, |_| true);
    given.iter().for_each(|eni| pool.unassign(SimTime::ZERO, *eni, &settings));
    let mut now = SimTime::ZERO;
    while pool.assign(now, &settings).is_none() {
        now += SimDuration::from_millis(100);
    }
    let first = now.saturating_since(SimTime::ZERO).as_secs_f64();
    check(&[row("29 addresses given back at once: the first is free again, s", 30.0, first)]);
}

/// Three thousand instances are wanted at minute 1, in a run of so many seconds after that.
fn launching(seconds_after: f64) -> Story {
    let mut story = story(0).at(1, Change::ScaleNodeGroup { node_group: 0, desired: 3000 });
    story.plan.cluster.node_groups[0].max = 3000;
    roomy(&mut story.plan.cluster.network);
    (story.plan.warm_up, story.plan.cluster.daemon_sets) = (SimDuration::ZERO, Vec::new());
    story.plan.duration = SimDuration::from_mins(1) + SimDuration::from_secs_f64(seconds_after);
    story
}

#[test]
fn three_thousand_instances_take_a_thousand_seconds() {
    let at_once = measure(&launching(0.4).record(), "nodes.launched");
    let record = launching(1001.0).record();
    let launches = record.timeline.iter().filter(|fact| fact.text.starts_with("instance launched"));
    let last = launches.map(|fact| fact.last).max().expect("instances are launched");
    check(&[
        row("3000 instances ordered: launched at once", 1000.0, at_once),
        row("3000 instances ordered: launched in all", 3000.0, measure(&record, "nodes.launched")),
        row("3000 instances ordered: the last one after, s", 1000.0, last.saturating_since(at_minute(1)).as_secs_f64()),
    ]);
}

/// When the last of 3,500 pods is launched that are wanted at once, s.
fn last_of_3500(burst: &str) -> f64 {
    let story = without_nodes("default").set("fargate.launch_burst", burst);
    let mut fargate = Fargate::new(&story.plan);
    let (mut now, mut last) = (SimTime::ZERO, SimTime::ZERO);
    for pod in 0..3500 {
        fargate.asks(now, PodId(pod));
    }
    loop {
        match fargate.next(now, |_| true) {
            Turn::Launch(..) => last = now,
            Turn::At(at) => now = at,
            Turn::Nobody => return last.saturating_since(SimTime::ZERO).as_secs_f64(),
        }
    }
}

#[test]
fn d3_fargate_launches_3500_pods_in_three_minutes() {
    check(&[
        row(
            "3500 pods on Fargate, account of EKS only (20, and 20/s): the last is launched, s",
            174.0,
            last_of_3500("20"),
        ),
        row("the same, account of ECS as well (100, and 20/s): the last is launched, s", 170.0, last_of_3500("100")),
    ]);
}

/// A kubelet asks for 60 images, each as soon as it may.
#[test]
fn d3_the_last_of_60_images_is_asked_for_after_ten_seconds() {
    let (bandwidth, image_rate, unpack_rate) = (1e9, 1e9, 1e9);
    let settings = PullSettings { parallel: None, bandwidth, image_rate, unpack_rate, qps: 5.0, burst: 10 };
    let mut store = ImageStore::new(settings);
    let mut now = SimTime::ZERO;
    for _ in 0..60 {
        while !store.may_begin(now) {
            now += SimDuration::from_millis(1);
        }
    }
    let last = now.saturating_since(SimTime::ZERO).as_secs_f64();
    check(&[row("a kubelet pulls 60 images, 10 at once and 5 a second more: the last is asked for, s", 10.0, last)]);
}
