//! Images on their way to nodes: how long they take, who waits with them, and what refuses them.

mod story;

use sim_eks::Record;
use sim_eks::plan::{
    AwsService, Change, Image, InitContainer, NatMode, Network, PodStart, PodStop, Readiness, Registry, VpcLayout,
};
use sim_kernel::SimDuration;
use story::{Story, deployment, fact, measure, story, value};

const fn seconds(count: u64) -> SimDuration {
    SimDuration::from_secs(count)
}

/// The same story, with an image of so many MiB for its Deployment.
fn with_image(mut story: Story, size_mib: u64, change: impl FnOnce(&mut PodStart)) -> Story {
    let start = &mut story.plan.deployments[0].control.start;
    start.image.size_mib = Some(size_mib);
    change(start);
    story
}

/// A new image is rolled out to nodes, half an hour long.
fn rollout(nodes: u32) -> Story {
    story(nodes).minutes(30).at(6, Change::UpdateDeployment { deployment: 0 })
}

fn close(found: f64, wanted: f64, by: f64) {
    assert!((found / wanted - 1.0).abs() <= by, "{found}, not {wanted}");
}

/// 3 GiB that are 9 GiB unpacked, through the 125 MiB a second of a gp3 volume.
#[test]
fn a_large_image_takes_as_long_as_its_unpacking() {
    let record = with_image(rollout(1).still(), 3072, |_| {}).record();
    close(measure(&record, "pods.image.p99"), 9216.0 / 125.0, 0.03);
    assert!(fact(&record, "node pulls the image web of 3072 MiB").is_some_and(|fact| fact.count == 1));
}

#[test]
fn an_image_on_the_node_costs_no_time() {
    let record = story(2).at(6, Change::ScaleDeployment { deployment: 0, replicas: 30 }).record();
    assert_eq!(value(&record, "pods.image.p50"), None);
    assert_eq!(measure(&record, "pods.without_image.peak"), 0.0);
}

/// Six Deployments get new images at once on one node: together they take what they take one after another, as the disk
/// is the same, but the first ones are there sooner if the others wait.
#[test]
fn parallel_pulls_share_and_serial_ones_queue() {
    let six = |serial: &str| {
        let mut story = with_image(rollout(1).still(), 400, |_| {}).set("image.serialize_pulls", serial);
        story.plan.deployments[0].replicas = 1;
        for number in 1..6 {
            let mut other = story.plan.deployments[0].clone();
            other.name = format!("web-{number}");
            story.plan.deployments.push(other);
            story = story.at(6, Change::UpdateDeployment { deployment: number });
        }
        let record = story.record();
        (measure(&record, "pods.image.p50"), measure(&record, "pods.image.p99"))
    };
    let ((parallel, last), (serial, last_serial)) = (six("false"), six("true"));
    close(last, 6.0 * 1200.0 / 125.0, 0.1);
    close(last_serial, last, 0.1);
    assert!(serial < 0.7 * parallel, "{serial} {parallel}");
}

/// Twenty nodes in private subnets pull from a public registry through one NAT gateway that may pull five images.
fn behind_a_nat(nodes: u32) -> Story {
    let mut story = with_image(rollout(nodes), 50, |start| start.image.registry = Registry::Public);
    let zones = story.plan.cluster.zones.clone();
    let layout = VpcLayout { nat: NatMode::Single, ..VpcLayout::default() };
    story.plan.cluster.network = Network::new(&zones, &layout);
    story.plan.cluster.node_groups[0].subnets = vec![3, 4, 5];
    story.set("image.public_pulls", "5").set("image.public_period", "10m")
}

#[test]
fn nodes_behind_one_nat_gateway_share_the_limit_of_a_public_registry() {
    let record = behind_a_nat(20).record();
    assert!(measure(&record, "registry.throttled") > 10.0);
    assert!(measure(&record, "pods.image_backoff") > 10.0);
    let said = fact(&record, "answers 429 to the address of the NAT gateway").expect("a fact");
    assert!(said.count > 10 && said.text.contains("ImagePullBackOff"), "{said:?}");
    // Of twenty nodes, five pull at once; one image in two minutes comes through after that.
    assert!(measure(&record, "pods.image.p99") > 600.0);
    let free = behind_a_nat(20).set("image.public_pulls", "0").record();
    assert_eq!(measure(&free, "registry.throttled"), 0.0);
    assert!(measure(&free, "pods.image.p99") < 10.0);
}

#[test]
fn ecr_throttles_an_account_that_rolls_out_to_all_nodes_at_once() {
    let throttled = |rate| {
        let record = with_image(rollout(12), 50, |_| {}).set("image.ecr_layer_rate", rate).record();
        measure(&record, "registry.throttled")
    };
    assert_eq!(throttled("3000"), 0.0);
    let many =
        with_image(rollout(60), 50, |_| {}).set("image.layers", "60").set("image.ecr_layer_rate", "128").record();
    assert!(measure(&many, "registry.throttled") > 0.0);
    assert!(fact(&many, "ECR throttles the account's pulls").is_some());
}

/// Twenty images within seconds: three pulls begin at once, the kubelet refuses most others, and their pods back off.
#[test]
fn a_kubelet_refuses_more_pulls_than_registry_qps_allows() {
    let mut story = story(1).still().minutes(20);
    story.plan.cluster.node_groups[0].max_pods = 110;
    story.plan.deployments[0].replicas = 0;
    story.plan.deployments[0].requests.milli_cpu = 10;
    for number in 0..20 {
        let mut other = deployment(&format!("other-{number}"), 0);
        other.requests.milli_cpu = 10;
        story.plan.deployments.push(other);
        story = story.at(6, Change::ScaleDeployment { deployment: number + 1, replicas: 1 });
    }
    let record = story.clone().set("image.registry_qps", "0.5").set("image.registry_burst", "3").record();
    let refused = measure(&record, "kubelet.pulls.refused");
    assert!((5.0..=60.0).contains(&refused), "{refused}");
    assert!(measure(&record, "pods.image.p99") > 10.0, "they wait for their back-off");
    let free = story.record();
    assert_eq!(measure(&free, "kubelet.pulls.refused"), 0.0);
}

/// `Always` asks the registry for what is there: without a way to it, no pod starts.
#[test]
fn a_pull_policy_of_always_needs_the_registry_for_an_image_that_is_there() {
    let grown = |always| {
        let mut story = story(3).minutes(20);
        story.plan.cluster.network.vpc_endpoints = vec![AwsService::EcrApi];
        story.plan.deployments[0].control.start.image = Image { always, ..Image::default() };
        let story = story.at(6, Change::ServiceEndpointLoss { service: AwsService::EcrApi, lasts: None });
        let record = story.at(7, Change::ScaleDeployment { deployment: 0, replicas: 36 }).record();
        measure(&record, "pods.without_image.peak")
    };
    assert_eq!((grown(false), grown(true)), (0.0, 6.0));
}

/// Two init containers of 30 s, the second with an image of its own, before a container that answers after 25 s.
#[test]
fn init_containers_run_one_after_another_and_then_the_probe_decides() {
    let ready_after = |start: PodStart| {
        let mut story = story(1).still().minutes(20);
        story.plan.deployments[0].control.start = start;
        let story = story.at(6, Change::ScaleDeployment { deployment: 0, replicas: 11 });
        fell(&story.record())
    };
    let bare = ready_after(PodStart::default());
    let image = Image { size_mib: Some(500), ..Image::default() };
    let init = |image| InitContainer { runs: seconds(30), image };
    let init_containers = vec![init(None), init(Some(image))];
    let readiness = Some(Readiness { answers_after: seconds(25), initial_delay: seconds(0), period: seconds(10) });
    let slow = ready_after(PodStart { init_containers, readiness, ..PodStart::default() });
    // 60 s of work, two starts of 0.6 s (the second image is there from the start), 30 s in place of the usual 5 s.
    close(slow - bare, 60.0 + 2.0 * 0.6 + 25.0, 0.01);
}

/// How long the Deployment was not in full.
fn fell(record: &Record) -> f64 {
    let missing: f64 = measure(record, "workload.availability");
    (1.0 - missing) * 15.0 * 60.0 * 11.0
}

/// A pod that ends two seconds after SIGTERM gives its room back sooner than one that takes its whole grace.
#[test]
fn a_pod_ends_with_its_program() {
    let rolled = |stop: PodStop| {
        let mut story = rollout(1).still();
        story.plan.deployments[0].control.start.stop = stop;
        measure(&story.record(), "deployments.rollout")
    };
    let fast = rolled(PodStop { pre_stop: seconds(1), ends_after: Some(seconds(2)), grace: None });
    let slow = rolled(PodStop { grace: Some(seconds(90)), ..PodStop::default() });
    assert!(slow >= fast, "{slow} {fast}");
}
