//! Who reaches the API by which way: security groups, routes, NAT gateways, the interfaces of EKS and the three access
//! modes. What is open and what is closed comes out of the packet filter and the routes alone.

mod story;

use sim_eks::plan::{
    AwsService, Change, Client, ClientPlace, ConnectedNetwork, Connection, EndpointAccess, ExternalClient, Family,
    NatMode, Network, Peer, Rule, VpcLayout, Webhook, WebhookRules, ZoneId,
};
use sim_eks::record::Record;
use sim_eks::{Path, Run};
use sim_kernel::{Purpose, RunKey, SimDuration};
use sim_study::Subject;
use std::collections::BTreeMap;
use std::net::IpAddr;
use story::{Story, at_minute, fact, failed, measure, story, verb};

const PUBLIC: (bool, bool) = (true, false);
const BOTH: (bool, bool) = (true, true);
const PRIVATE: (bool, bool) = (false, true);

fn access((public, private): (bool, bool), cidrs: &[&str]) -> EndpointAccess {
    let public_cidrs = cidrs.iter().map(|cidr| cidr.parse().expect("a range")).collect();
    EndpointAccess { public, private, public_cidrs }
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// A cluster whose nodes lie in private subnets behind so many NAT gateways.
fn with_private_nodes(mut of: Story, nat: NatMode) -> Story {
    let network = &mut of.plan.cluster.network;
    network.set_nat(nat);
    let zones = of.plan.cluster.node_groups[0].zones.clone();
    of.plan.cluster.node_groups[0].subnets = network.subnets_in(&zones, false);
    of
}

fn in_mode(mut of: Story, mode: (bool, bool)) -> Story {
    of.plan.cluster.network.access = access(mode, &["0.0.0.0/0"]);
    of
}

fn with_client(mut of: Story, name: &str, place: ClientPlace) -> Story {
    of.plan.clients.push(Client { name: name.to_owned(), class: ExternalClient::Admin, place, count: 1 });
    of
}

/// The study's admin host: in a public subnet of the VPC, with a security group of its own.
fn with_admin_host(mut of: Story) -> Story {
    let group = of.plan.cluster.network.add_group("admin-host".to_owned(), Vec::new());
    let place = ClientPlace::Subnet { subnet: 0, address: ip("192.168.1.100"), groups: vec![group] };
    with_client(of, "admin host", place)
}

fn run_to(story: &Story, minute: u64) -> Run {
    let mut run = story.start();
    run.run_until(at_minute(minute)).expect("time goes on");
    run
}

fn path(run: &Run, from: &str, to: &str) -> Path {
    let paths = run.paths();
    let found = paths.iter().find(|path| path.from.contains(from) && path.to.contains(to));
    found.unwrap_or_else(|| panic!("no path from {from} to {to} in {paths:#?}")).clone()
}

fn hops(path: &Path) -> Vec<&str> {
    path.way.iter().map(|hop| hop.name.as_str()).collect()
}

/// Nodes that the API calls Ready when the run ends.
fn ready_at_the_end(record: &Record) -> f64 {
    let ready = record.series.iter().find(|series| series.name == "nodes.ready").expect("a series");
    ready.values.iter().flatten().next_back().copied().expect("windows")
}

fn not_ready(record: &Record) -> bool {
    fact(record, "NotReady").is_some()
}

/// system.md, endpoint access: in [1] the switch to private locked the admin host out, because its address was not in the
/// security group, and even deletion failed; in [2] 443 from the host's /32 on the ControlPlaneSecurityGroup repaired it.
#[test]
fn the_switch_to_private_locks_the_admin_host_out_and_one_rule_lets_it_in_again() {
    let rule = Rule::port(443, Peer::Cidr("192.168.1.100/32".parse().expect("a range")));
    let lived = with_admin_host(story(6))
        .at(10, Change::EndpointAccess { access: access(PRIVATE, &[]) })
        .at(30, Change::DeleteCluster { client: 0 })
        .at(40, Change::SecurityRule { group: Network::CONTROL_PLANE_GROUP, rule, allow: true })
        .at(50, Change::DeleteCluster { client: 0 })
        .minutes(60);
    let before = path(&run_to(&lived, 9), "admin host", "API endpoint");
    assert!(before.open && hops(&before).contains(&"NLB, public address"), "{before:?}");
    let locked = path(&run_to(&lived, 30), "admin host", "API endpoint");
    assert!(!locked.open);
    assert_eq!(locked.decided_by, "no inbound rule of ControlPlaneSecurityGroup allows TCP 443 from 192.168.1.100/32");
    assert_eq!(locked.opened_by, "add an inbound rule to ControlPlaneSecurityGroup: TCP 443 from 192.168.1.100/32");
    let record = lived.record();
    assert!(fact(&record, "admin host cannot delete the cluster").is_some());
    assert!(fact(&record, "admin host can delete the cluster").is_some());
    assert!(!not_ready(&record), "the nodes are let in by the cluster's own group");
    let repaired = path(&run_to(&lived, 50), "admin host", "API endpoint");
    assert!(repaired.open && hops(&repaired).contains(&"EKS-owned interface"), "{repaired:?}");
}

/// system.md, the three flows: kubelets leave the VPC to a public address, pods use the service address, exec arrives from
/// an interface; with private access on the nodes' connections move to the interfaces.
#[test]
fn the_three_flows_in_public_mode_and_their_move_to_the_interfaces() {
    let switched = story(6).at(10, Change::EndpointAccess { access: access(BOTH, &["0.0.0.0/0"]) }).minutes(40);
    let before = run_to(&switched, 9);
    let kubelet = path(&before, "nodes of general in eu-west-1a", "kubelet, kube-proxy");
    assert_eq!(hops(&kubelet)[1..], ["internet gateway", "NLB, public address", "API server"]);
    let pod = path(&before, "pods of general in eu-west-1a", "service kubernetes, 10.100.0.1:443");
    assert_eq!(hops(&pod)[1..], ["EKS-owned interface", "API server"]);
    let exec = path(&before, "control plane", "port 10250");
    assert!(exec.open && exec.way[0].name == "EKS-owned interface");
    assert_eq!(before.open_connections("kubelet"), (6, 0));
    let after = run_to(&switched, 35);
    let kubelet = path(&after, "nodes of general in eu-west-1a", "kubelet, kube-proxy");
    assert_eq!(hops(&kubelet)[1..], ["EKS-owned interface", "API server"]);
    assert_eq!(after.open_connections("kubelet"), (0, 6), "their servers were replaced");
    let stay = switched.set("endpoint.update_replaces_servers", "false");
    assert_eq!(run_to(&stay, 35).open_connections("kubelet"), (6, 0), "nothing closes them");
}

#[test]
fn one_update_at_a_time() {
    let twice = story(3)
        .at(10, Change::EndpointAccess { access: access(BOTH, &["0.0.0.0/0"]) })
        .at(11, Change::EndpointAccess { access: access(PRIVATE, &[]) })
        .minutes(40);
    let record = twice.record();
    assert!(fact(&record, "refused: another one is in progress").is_some());
    assert!(fact(&record, "endpoint access is public and private").is_some());
}

#[test]
fn an_update_needs_free_addresses_for_the_new_interfaces() {
    let mut narrow = story(3).at(10, Change::EndpointAccess { access: access(BOTH, &["0.0.0.0/0"]) }).minutes(20);
    for subnet in &mut narrow.plan.cluster.network.subnets {
        subnet.free = Some(1);
    }
    let record = narrow.record();
    assert!(fact(&record, "free addresses, and 5 are needed").is_some());
    assert!(fact(&record, "update of the endpoint's access begins").is_none());
}

#[test]
fn private_nodes_without_nat_and_without_private_access_never_join_and_the_report_says_why() {
    let record = with_private_nodes(story(6), NatMode::Disable).minutes(20).record();
    assert_eq!(ready_at_the_end(&record), 0.0);
    let why = fact(&record, "cannot reach the API").expect("the report says why");
    assert!(why.text.contains("private-eu-west-1a has no route to 0.0.0.0/0"), "{}", why.text);
}

/// In public mode private nodes of all zones go through the one NAT gateway; with private access they stay Ready, but a new
/// image is not to be had, nor an address beyond those that a node keeps warm.
#[test]
fn the_single_nat_gateway_of_the_lost_zone_takes_the_other_zones_nodes_along_in_public_mode_only() {
    let lost = |mode| {
        let base = in_mode(with_private_nodes(story(9), NatMode::Single), mode).placed("b,c", "b", "b");
        base.set("node_group.replace_instances", "false").zone_a_goes_dark().minutes(30)
    };
    let out = run_to(&lost(PUBLIC), 20);
    let path_b = path(&out, "nodes of general in eu-west-1b", "kubelet");
    assert_eq!(path_b.decided_by, "the NAT gateway in eu-west-1a lets nothing through");
    let public = lost(PUBLIC).record();
    let both = lost(BOTH).record();
    assert_eq!(ready_at_the_end(&public), 0.0);
    assert_eq!(ready_at_the_end(&both), 6.0);
    assert_eq!(measure(&both, "pods.without_address"), 0.0, "each node has addresses for those of the lost zone");
    let updated = lost(BOTH).at(20, Change::UpdateDeployment { deployment: 0 }).record();
    assert!(
        fact(&updated, "AWS ecr.api cannot be reached: the NAT gateway in eu-west-1a lets nothing through").is_some()
    );
    let few = lost(BOTH).set("vpc_cni.warm_ip_target", "1").record();
    assert!(fact(&few, "AWS ec2 cannot be reached: the NAT gateway in eu-west-1a lets nothing through").is_some());
    assert!(measure(&few, "pods.without_address") > 0.0);
}

/// A cluster in which somebody opens a stream every ten seconds, for so long.
fn with_exec(of: Story, lasts: &str) -> Story {
    let mut story = of.set("exec.interval", "10s").set("exec.lasts", lasts);
    let (class, place) = (ExternalClient::Exec, ClientPlace::default());
    story.plan.clients.push(Client { name: "shell".to_owned(), class, place, count: 1 });
    story
}

/// facts/control-plane.md, section 3, API server to kubelet: exec breaks on the loss of the security group's rule or of the
/// interface, though the API answers.
#[test]
fn exec_needs_the_way_from_the_interfaces_to_the_kubelets() {
    let own = Rule::all(Peer::Group(Network::CLUSTER_GROUP));
    let closed = with_exec(story(6), "10s").with_externals();
    let closed = closed.at(10, Change::SecurityRule { group: Network::CLUSTER_GROUP, rule: own, allow: false });
    let record = closed.minutes(20).record();
    let exec = verb(&record, "admin", "exec");
    assert!(failed(exec, "5xx") > 40 && exec.sent > 80, "{exec:?}");
    assert!(fact(&record, "no inbound rule of eks-cluster-sg allows TCP 10250").is_some());
    let admin = verb(&record, "admin", "get");
    assert_eq!(admin.sent, admin.succeeded, "the API answers");
}

#[test]
fn the_loss_of_an_interface_takes_the_execs_of_its_server_along_and_nothing_else_in_public_mode() {
    let loss = Change::InterfaceLoss { zone: ZoneId(1), lasts: Some(SimDuration::from_mins(20)) };
    let record = with_exec(story(6), "10s").placed("b,c", "a", "c").at(10, loss).minutes(30).record();
    let share = measure(&record, "exec.failed") / (20.0 * 6.0);
    assert!((0.3..0.7).contains(&share), "{share}: one of two servers");
    assert_eq!(measure(&record, "nodes.not_ready"), 0.0);
}

/// facts/control-plane.md, section 6: streams stay up for hours, unless the load balancer forgets a silent flow after 350 s.
#[test]
fn a_stream_without_pings_is_forgotten_by_the_load_balancer_after_350_seconds() {
    let long = with_exec(story(6), "constant(10m)").minutes(40);
    let pings = long.record();
    assert_eq!(measure(&pings, "exec.broken"), 0.0);
    let silent = long.set("exec.ping_period", "0s").record();
    assert!(measure(&silent, "exec.broken") > 100.0);
    assert!(fact(&silent, "forgotten the silent flow").is_some());
}

#[test]
fn streams_end_with_their_api_server_and_hang_where_it_dies_silently() {
    let rolled = with_exec(story(6), "constant(2h)").at(10, Change::UpgradeControlPlane).minutes(60).record();
    assert!(fact(&rolled, "its API server ended").is_some());
    let lost = Change::ApiServerLoss { zone: Some(ZoneId(1)), lasts: None };
    let hung = with_exec(story(6), "constant(2h)").placed("b,c", "a", "c").at(10, lost).minutes(40).record();
    let hang = measure(&hung, "exec.hang.longest");
    assert!((924.0..930.0).contains(&hang), "{hang}: TCP's patience and a ping");
}

/// The places of clients that the user guide tells apart, each a client of its own in one cluster.
const PLACES: [&str; 8] = [
    "admin whose address is listed",
    "ci whose address is not listed",
    "office over vpn",
    "controller in a peered vpc",
    "bastion in a public subnet",
    "bastion in a private subnet",
    "nodes of general",
    "nodes of private",
];

/// Every place in one cluster; with the rules that they need, or as eksctl leaves it.
fn with_every_place(mode: (bool, bool), with_rules: bool) -> Story {
    let mut of = with_private_nodes(story(6), NatMode::Single);
    let zones = of.plan.cluster.node_groups[0].zones.clone();
    of.plan.cluster.node_groups[0].name = "private".to_owned();
    let mut public = of.plan.cluster.node_groups[0].clone();
    public.name = "general".to_owned();
    public.subnets = of.plan.cluster.network.subnets_in(&zones, true);
    of.plan.cluster.node_groups.push(public);
    let network = &mut of.plan.cluster.network;
    let connect = |network: &mut Network, name: &str, kind, cidr: &str| {
        let cidr = cidr.parse().expect("a range");
        network.connect(ConnectedNetwork { name: name.to_owned(), kind, cidr })
    };
    let office = connect(network, "office", Connection::Vpn, "10.1.0.0/16");
    let peer = connect(network, "peer", Connection::Peering, "10.2.0.0/16");
    let group = network.add_group("bastions".to_owned(), Vec::new());
    let bastion = |subnet, address| ClientPlace::Subnet { subnet, address: ip(address), groups: vec![group] };
    let places = [
        ClientPlace::Internet(ip("198.51.100.1")),
        ClientPlace::Internet(ip("198.51.100.2")),
        ClientPlace::Connected { network: office, address: ip("10.1.0.7") },
        ClientPlace::Connected { network: peer, address: ip("10.2.0.7") },
        bastion(0, "192.168.1.100"),
        bastion(3, "192.168.97.100"),
    ];
    let nat = network.nat_gateways[0].address;
    let mut cidrs = vec!["198.51.100.1/32".to_owned()];
    if with_rules {
        cidrs.push(format!("{nat}/32"));
        for range in ["10.1.0.0/16", "10.2.0.0/16", "192.168.1.100/32", "192.168.97.100/32"] {
            network.allow_extra_cidr(range.parse().expect("a range"));
        }
    }
    let cidrs: Vec<&str> = cidrs.iter().map(String::as_str).collect();
    network.access = access(mode, &cidrs);
    PLACES.iter().zip(places).fold(of, |of, (name, place)| with_client(of, name, place))
}

/// facts/control-plane.md, section 3 (user guide, cluster-endpoint): 3 modes, 8 places, with and without the needed rules.
#[test]
fn every_place_reaches_the_api_in_every_mode_as_the_user_guide_says() {
    // Public only: who is listed, by the address under which it appears. Private access: who is inside or connected, if
    // the security groups allow it; with public access beside it, a connected network is answered the public addresses.
    let (yes, no) = (true, false);
    let expected = [
        (PUBLIC, no, [yes, no, no, no, no, no, no, no]),
        (PUBLIC, yes, [yes, no, no, no, no, yes, no, yes]),
        (BOTH, no, [yes, no, no, no, no, no, yes, yes]),
        (BOTH, yes, [yes, no, no, no, yes, yes, yes, yes]),
        (PRIVATE, no, [no, no, no, no, no, no, yes, yes]),
        (PRIVATE, yes, [no, no, yes, yes, yes, yes, yes, yes]),
    ];
    for (mode, with_rules, reached) in expected {
        let run = run_to(&with_every_place(mode, with_rules), 1);
        for (place, wanted) in PLACES.iter().zip(reached) {
            let path = path(&run, place, "API endpoint");
            assert_eq!(path.open, wanted, "{place}, {mode:?}, rules {with_rules}: {path:#?}");
            assert_eq!(path.open, path.opened_by.is_empty(), "a closed way says what would open it: {path:#?}");
        }
    }
}

/// facts/control-plane.md, section 6, path composition: DNS, TCP 1 round trip, TLS 1, the request 1, and what the server does.
#[test]
fn the_latency_of_an_open_way_is_composed_of_its_round_trips() {
    for mode in [PUBLIC, PRIVATE] {
        let calm = with_every_place(mode, true).still().minutes(20);
        let calm = calm.set("dns.stuck_share", "0").set("admin.interval", "1s").set("admin.list_share", "0");
        let calm = calm.set("network.rtt_between_zones", "constant(0s)").set("network.rtt_in_zone", "constant(0s)");
        let alone = |name: &str| {
            let mut of = calm.clone();
            let paths = run_to(&of, 1).paths();
            let found = paths.into_iter().find(|path| path.from == name && path.to == "API endpoint").expect("a path");
            of.plan.clients.retain(|client| client.name == name);
            let latency = |of: &Story| verb(&of.record(), "admin", "get").latency_s.expect("answers")[0];
            found.open.then(|| (latency(&of), found.round_trip_s.expect("an open way has one")))
        };
        let open: Vec<(f64, f64)> = PLACES[..6].iter().filter_map(|name| alone(name)).collect();
        assert!(open.len() >= 2, "{open:?}");
        for pair in open.windows(2) {
            let (latency, round_trips) = (pair[0].0 - pair[1].0, pair[0].1 - pair[1].1);
            let histogram = 0.01 * pair[0].0.max(pair[1].0); // the width of its buckets
            assert!(
                (latency - 3.0 * round_trips).abs() < histogram,
                "{latency} against three times {round_trips}: {open:?}"
            );
        }
    }
}

/// A random network with one client, and something that happens to it at minute 5.
fn random_network(case: u32) -> Story {
    let key = RunKey::new(2026, case);
    let mut draw = key.draw(Purpose::new("test/network"), 0, 0);
    let mut below = |most: u64| draw.below(most);
    let mode = [PUBLIC, BOTH, PRIVATE][below(3) as usize];
    let mut of = with_every_place(mode, below(2) == 0);
    let nat = [NatMode::Single, NatMode::HighlyAvailable, NatMode::Disable][below(3) as usize];
    of.plan.cluster.network.set_nat(nat);
    if below(3) == 0 {
        of.plan.cluster.network.access.public_cidrs = vec!["0.0.0.0/0".parse().expect("a range")];
    }
    if below(8) == 0 {
        of.plan.cluster.network.dns.hostnames = false;
    }
    let zone = ZoneId(below(3) as u8);
    let other = [PUBLIC, BOTH, PRIVATE][below(3) as usize];
    let rule = Rule::all(Peer::Group(Network::CLUSTER_GROUP));
    let change = match below(8) {
        0 => Change::NatLoss { zone: None, lasts: None },
        1 => Change::NatLoss { zone: Some(zone), lasts: None },
        2 => Change::InterfaceLoss { zone, lasts: None },
        3 => Change::ZonePowerLoss { zone, lasts: None },
        4 => Change::EndpointAccess { access: access(other, &["198.51.100.2/32"]) },
        5 => Change::SecurityRule { group: Network::CLUSTER_GROUP, rule, allow: false },
        6 => Change::ZoneCut { zone, internet: below(2) == 0, lasts: None },
        _ => Change::ServiceEndpointLoss { service: AwsService::Ec2, lasts: None },
    };
    let kept = PLACES[below(6) as usize];
    of.plan.clients.retain(|client| client.name == kept);
    if below(4) == 0 {
        of = of.set("endpoint.behind_balancer", "true");
    }
    of = of.set("dns.stuck_share", "0").set("admin.interval", "1s").set("node_group.replace_instances", "false");
    of.at(5, change).minutes(40)
}

/// A random network with somebody who opens shells beside the client, and a webhook whose failure is ignored.
fn random_network_in_use(case: u32) -> Story {
    let mut story = random_network(case).set("exec.interval", "5s").set("exec.lasts", "1s");
    let place = story.plan.clients[0].place.clone();
    for (name, class) in [("shell", ExternalClient::Exec), ("ci", ExternalClient::Ci)] {
        story.plan.clients.push(Client { name: name.to_owned(), class, place: place.clone(), count: 1 });
    }
    story.plan.webhooks.push(Webhook {
        name: "guard".to_owned(),
        rules: WebhookRules::All,
        deployment: Some(0),
        exempts_itself: true,
        port: 443,
        timeout: SimDuration::from_secs(1),
        ignores_failure: true,
    });
    story.plan.warm_up = SimDuration::from_mins(35);
    story
}

/// Whether all of these flows get through whatever interface they use, or none does; `None` where they differ.
fn all_alike<'p>(mut paths: impl Iterator<Item = &'p Path>) -> Option<bool> {
    let whole = |path: &Path| match path.addresses {
        Some((there, answer)) if path.open => (there == answer).then_some(true),
        _ => Some(path.open),
    };
    let first = whole(paths.next()?)?;
    paths.all(|path| whole(path) == Some(first)).then_some(first)
}

/// What `paths` says and what requests experience is the same, whatever the network is and whatever happens to it: the
/// endpoint of clients and of kubelets, kubelets from the API servers, webhooks.
#[test]
fn paths_and_requests_always_agree() {
    let mut seen = BTreeMap::new();
    for case in 0..150 {
        let story = random_network_in_use(case);
        let (before, after) = (run_to(&story, 35).paths(), run_to(&story, 39).paths());
        if before.iter().zip(&after).any(|(before, after)| before.open != after.open) {
            continue; // it is changing
        }
        let name = story.plan.clients[0].name.clone();
        let path = after.iter().find(|path| path.from == name && path.to == "API endpoint").expect("a path");
        let record = story.record();
        let mut saw = |flow: &'static str, open: bool| *seen.entry((flow, open)).or_insert(0) += 1;
        let gets = verb(&record, "admin", "get");
        let what = || format!("case {case}: {:?}\n{path:#?}\n{gets:?}", story.plan.steps);
        if path.open {
            // A server that is cut off from etcd answers 5xx: it is reached.
            assert!(gets.succeeded + failed(gets, "5xx") > 0 && failed(gets, "dial failed") == 0, "{}", what());
        } else {
            assert!(gets.succeeded == 0, "{}", what());
        }
        saw("endpoint", path.open);
        let used = |class: &str, verb: &str| {
            let of_class = record.clients.iter().filter(|client| client.class == class);
            of_class.flat_map(|client| &client.verbs).find(|entry| entry.verb == verb).cloned().unwrap_or_default()
        };
        let execs = used("admin", "exec");
        let flows = |text: &'static str| after.iter().filter(move |path| path.to.contains(text));
        let alike = all_alike(flows("kubelet (exec, logs)"));
        if let Some(open) = alike.filter(|_| path.open && ready_at_the_end(&record) == 12.0) {
            let fails = failed(&execs, "5xx") > 0;
            assert!(if open { execs.succeeded > 0 && !fails } else { execs.succeeded == 0 }, "{} {execs:?}", what());
            saw("exec", open);
        }
        let applies = used("ci", "apply");
        if let (Some(open), Some([_, median, ..])) = (all_alike(flows("webhook guard")), applies.latency_s) {
            assert_eq!(open, median < 1.0, "{} {applies:?}", what());
            saw("webhook", open);
        }
        let reach = |path: &&Path| path.open && path.to.contains("kubelet, kube-proxy");
        let serves = |name: &str| after.iter().any(|path| path.from == name && path.to.contains("AWS") && !path.open);
        let most = 2.0 * after.iter().filter(reach).count() as f64; // two nodes at each of six sites
        let least = 2.0 * after.iter().filter(reach).filter(|path| !serves(&path.from)).count() as f64;
        let ready = ready_at_the_end(&record);
        let is_tracked = matches!(story.plan.steps[0].change, Change::SecurityRule { .. }); // open connections stay
        assert!(ready <= most || is_tracked, "{ready} nodes are Ready, {most} reach the API: {}", what());
        let is_cut = matches!(story.plan.steps[0].change, Change::ZoneCut { .. }); // a server without etcd is reached too
        assert!(ready >= least || is_cut, "{ready} nodes are Ready, {least} reach all that they need: {}", what());
    }
    for flow in ["endpoint", "exec", "webhook"] {
        let found = [true, false].map(|open| seen.get(&(flow, open)).copied().unwrap_or(0));
        assert!(found.iter().all(|count| *count >= 3), "open and closed: {seen:?}");
    }
}

/// facts/control-plane.md, section 3, API server to webhook: failurePolicy Fail and a lost path are refused writes.
#[test]
fn webhooks_are_called_over_the_interface_of_their_server() {
    let mut story = story(6).with_externals().placed("b,c", "a", "c").minutes(30);
    story.plan.webhooks.push(Webhook {
        name: "guard".to_owned(),
        rules: WebhookRules::All,
        deployment: Some(0),
        exempts_itself: true,
        port: 443,
        timeout: SimDuration::from_secs(5),
        ignores_failure: false,
    });
    let calm = story.record();
    assert_eq!(failed(verb(&calm, "ci", "apply"), "webhook failed"), 0, "nothing is lost");
    let loss = Change::InterfaceLoss { zone: ZoneId(1), lasts: None };
    let lost = story.at(10, loss).record();
    let apply = verb(&lost, "ci", "apply");
    assert!(failed(apply, "webhook failed") > 50, "{apply:?}");
}

/// The security groups at the node of the pod that a call goes to decide, whatever those of other nodes say.
#[test]
fn a_webhook_is_called_where_its_pod_is() {
    for (open, closed) in [(true, true), (false, false), (true, false)] {
        let mut story = with_every_place(BOTH, true).minutes(20);
        let network = &mut story.plan.cluster.network;
        let guarded = |network: &mut Network, name: &str, opens: bool| {
            let all = Rule::port(Network::KUBELET_PORT, Peer::Group(Network::CLUSTER_GROUP));
            let webhooks = Rule::port(8443, Peer::Group(Network::CLUSTER_GROUP));
            network.add_group(name.to_owned(), if opens { vec![all, webhooks] } else { vec![all] })
        };
        let groups = [guarded(network, "first", open), guarded(network, "second", closed)];
        for (group, security) in story.plan.cluster.node_groups.iter_mut().zip(groups) {
            group.security_groups = vec![security];
        }
        let rule = |group| Rule::all(Peer::Group(group));
        story.plan.cluster.network.security_groups[Network::CLUSTER_GROUP].inbound.extend(groups.map(rule));
        story.plan.webhooks.push(Webhook {
            name: "guard".to_owned(),
            rules: WebhookRules::All,
            deployment: Some(0),
            exempts_itself: true,
            port: 8443,
            timeout: SimDuration::from_secs(5),
            ignores_failure: false,
        });
        story.plan.clients.push(Client {
            name: "ci".to_owned(),
            class: ExternalClient::Ci,
            place: ClientPlace::Internet(ip("198.51.100.1")),
            count: 1,
        });
        let record = story.record();
        let apply = verb(&record, "ci", "apply");
        let refused = failed(apply, "webhook failed");
        assert_eq!(apply.succeeded > 0, open || closed, "{open} {closed}: {apply:?}");
        assert_eq!(refused > 0, !(open && closed), "{open} {closed}: {apply:?}");
        for path in run_to(&story, 10).paths().iter().filter(|path| path.to.contains("webhook guard")) {
            let is_first = path.nodes.as_ref().is_some_and(|nodes| nodes.group == "private");
            assert_eq!(path.open, if is_first { open } else { closed }, "{path:#?}");
        }
    }
}

/// The same cluster as an IPv6 one of eksctl's: its private subnets have a route to an egress-only gateway.
fn in_ipv6(mut of: Story, mode: (bool, bool), cidrs: &[&str]) -> Story {
    let layout = VpcLayout { family: Family::IPv6, access: access(mode, cidrs), ..VpcLayout::default() };
    let zones = of.plan.cluster.zones.clone();
    of.plan.cluster.network = Network::new(&zones, &layout);
    let zones = of.plan.cluster.node_groups[0].zones.clone();
    of.plan.cluster.node_groups[0].subnets = of.plan.cluster.network.subnets_in(&zones, false);
    of
}

/// EKS user guide, cluster-endpoint (dual-stack endpoints of IPv6 clusters) and eksctl's routes: nodes leave by the
/// egress-only gateway, so a NAT gateway takes none of them along, as long as the list has their IPv6 addresses.
#[test]
fn nodes_of_an_ipv6_cluster_reach_the_public_endpoint_without_a_nat_gateway() {
    let loss = Change::NatLoss { zone: None, lasts: None };
    let after_loss = |cidrs: &[&str]| {
        let of = in_ipv6(story(6), PUBLIC, cidrs).at(5, loss.clone()).minutes(20);
        let path = path(&run_to(&of, 4), "nodes of", "API endpoint (kubelet, kube-proxy)");
        (path, ready_at_the_end(&of.record()))
    };
    let (way, ready) = after_loss(&["0.0.0.0/0", "::/0"]);
    assert!(hops(&way).contains(&"egress-only internet gateway"), "{way:#?}");
    assert_eq!((way.family, ready), (Family::IPv6, 6.0));
    let (way, ready) = after_loss(&["2001:db8:0:5600::/56"]);
    assert_eq!((way.family, ready), (Family::IPv6, 6.0), "the VPC's own range does");
    let (way, ready) = after_loss(&["0.0.0.0/0"]);
    assert!(hops(&way).contains(&"NAT gateway"), "{way:#?}");
    assert_eq!((way.family, ready), (Family::IPv4, 0.0), "no IPv6 address is listed: IPv4, through the NAT gateway");
}

/// Pods, and nodes as the API knows them, have IPv6 addresses; a rule for an IPv4 address still lets its host in.
#[test]
fn flows_of_an_ipv6_cluster_have_its_addresses() {
    let mut of = with_admin_host(in_ipv6(story(6), PRIVATE, &[]));
    of.plan.cluster.network.allow_extra_cidr("192.168.1.100/32".parse().expect("a range"));
    let run = run_to(&of, 1);
    for (from, to) in [("control plane", "kubelet"), ("pods of", "service kubernetes"), ("pods of", "DNS")] {
        let path = path(&run, from, to);
        assert!(path.open && path.family == Family::IPv6, "{path:#?}");
        assert!(path.way.iter().any(|hop| hop.address.starts_with("2001:db8:0:56")), "{path:#?}");
    }
    let host = path(&run, "admin host", "API endpoint");
    assert!(host.open && host.family == Family::IPv4, "{host:#?}");
    let of = of.minutes(10);
    assert!(verb(&of.record(), "admin", "get").succeeded > 0);
}

/// A host that never asks DNS again goes on with the old answer, and is shown so.
#[test]
fn a_host_that_keeps_an_old_answer_is_shown_with_it() {
    let switch = Change::EndpointAccess { access: access(PRIVATE, &[]) };
    for share in ["0", "1"] {
        let mut of = with_admin_host(story(6)).set("dns.stuck_share", share).at(5, switch.clone()).minutes(60);
        of.plan.cluster.network.allow_extra_cidr("192.168.1.100/32".parse().expect("a range"));
        of.plan.warm_up = SimDuration::from_mins(50);
        let path = path(&run_to(&of, 55), "admin host", "API endpoint");
        let succeeds = verb(&of.record(), "admin", "get").succeeded > 0;
        assert_eq!((path.open, succeeds), (share == "0", share == "0"), "{path:#?}");
        assert_eq!(path.opened_by.contains("restart the host"), share == "1", "{path:#?}");
    }
}

/// facts/control-plane.md, section 3: without private access the nodes' egress addresses must be listed. All nodes drop out
/// together: the zone disruption mode evicts nothing, and the services run on.
#[test]
fn nodes_that_are_forgotten_in_the_list_all_drop_out_and_keep_their_pods() {
    let mistake = Change::EndpointAccess { access: access(PUBLIC, &["198.51.100.1/32"]) };
    let repair = Change::EndpointAccess { access: access(PUBLIC, &["198.51.100.1/32", "203.0.113.1/32"]) };
    let forgotten = with_private_nodes(story(9), NatMode::Single).with_externals().at(10, mistake);
    let record = forgotten.clone().minutes(40).record();
    assert_eq!(ready_at_the_end(&record), 0.0);
    assert_eq!(measure(&record, "pods.evicted"), 0.0);
    assert_eq!(measure(&record, "workload.availability"), 1.0, "kube-proxies keep their last rules");
    assert!(fact(&record, "publicAccessCidrs does not list 203.0.113.1").is_some());
    let repaired = forgotten.at(40, repair).minutes(75).record();
    assert_eq!(ready_at_the_end(&repaired), 9.0);
}

/// Where some nodes only are cut off, their pods are evicted after the toleration, and run on beside their replacements.
#[test]
fn where_some_nodes_are_forgotten_their_pods_are_evicted_and_run_on_there() {
    let mut half = with_private_nodes(story(4), NatMode::Single);
    let zones = half.plan.cluster.node_groups[0].zones.clone();
    let mut public = half.plan.cluster.node_groups[0].clone();
    public.name = "public".to_owned();
    public.desired = 12;
    public.max = 24;
    public.subnets = half.plan.cluster.network.subnets_in(&zones, true);
    half.plan.cluster.node_groups.push(public);
    // The private nodes are listed by their gateway, the public ones have addresses that nobody can list.
    half.plan.cluster.network.access = access(PUBLIC, &["0.0.0.0/0"]);
    let mistake = Change::EndpointAccess { access: access(PUBLIC, &["203.0.113.1/32"]) };
    let record = half.at(10, mistake).minutes(60).record();
    assert_eq!(ready_at_the_end(&record), 4.0);
    assert!(measure(&record, "pods.evicted") > 0.0);
    assert!(measure(&record, "nodes.not_ready_falsely") >= 12.0, "they live");
}

/// facts/control-plane.md, section 3, private name resolution: needs both of the VPC's DNS settings.
#[test]
fn without_dns_hostnames_nodes_are_answered_the_public_addresses() {
    let mut base = in_mode(story(3), BOTH);
    assert_eq!(run_to(&base, 1).open_connections("kubelet"), (0, 3));
    base.plan.cluster.network.dns.hostnames = false;
    assert_eq!(run_to(&base, 1).open_connections("kubelet"), (3, 0));
    base.plan.cluster.network.dns.support = false;
    let blind = path(&run_to(&base, 1), "nodes of general in eu-west-1a", "kubelet");
    assert_eq!(blind.decided_by, "the name has no address here: the VPC resolves no names");
}

/// facts/control-plane.md, section 3, what stands behind an ENI: a dead address stays in the private answer until the
/// provider reacts (60 to 300 s) and the record has run out (60 s); clients live by trying the other one.
#[test]
fn a_dead_interface_stays_in_the_private_answer_until_the_provider_reacts() {
    let loss = Change::InterfaceLoss { zone: ZoneId(1), lasts: Some(SimDuration::from_mins(30)) };
    let lost = in_mode(with_admin_host(story(6)), BOTH).placed("b,c", "a", "c").at(10, loss);
    let mut lost = lost.set("dns.stuck_share", "0").set("endpoint.interface_reaction", "200s").minutes(40);
    lost.plan.cluster.network.allow_extra_cidr("192.168.1.100/32".parse().expect("a range"));
    let record = lost.record();
    let gone = fact(&record, "leaves the private answer").expect("the provider reacts");
    assert_eq!(gone.first, at_minute(10) + SimDuration::from_secs(200));
    let gets = verb(&record, "admin", "get");
    assert_eq!(gets.sent, gets.succeeded, "the other address answers");
    let at = |minute| path(&run_to(&lost, minute), "admin host", "API endpoint").addresses;
    assert_eq!((at(11), at(20)), (Some((2, 1)), None), "two addresses, one of them dead; then one");
}

/// facts/control-plane.md, section 3: the endpoints of the service `kubernetes` lose a dead server after 5 to 15 s.
#[test]
fn pods_learn_of_a_dead_api_server_by_the_lease_of_its_endpoint() {
    let lost = Change::ApiServerLoss { zone: Some(ZoneId(1)), lasts: None };
    let story = story(6).placed("b,c", "a", "c").at(10, lost).minutes(20);
    let mut run = run_to(&story, 10);
    let ways = |run: &Run| path(run, "pods of general in eu-west-1a", "service kubernetes").addresses;
    run.run_until(at_minute(10) + SimDuration::from_secs(4)).expect("time goes on");
    assert_eq!(ways(&run), Some((2, 1)));
    run.run_until(at_minute(10) + SimDuration::from_secs(17)).expect("time goes on");
    assert_eq!(ways(&run), None, "one endpoint is left");
}

/// The record tells each client with its place, its way at both ends of the run, and when that was closed.
#[test]
fn the_record_tells_each_client_with_its_place_and_when_its_way_was_closed() {
    let lived = with_admin_host(story(6)).at(10, Change::EndpointAccess { access: access(PRIVATE, &[]) }).minutes(40);
    let record = lived.record();
    let host = record.places.iter().find(|client| client.name == "admin host").expect("it is told");
    assert_eq!(host.place, "on a host in public-eu-west-1a, 192.168.1.100, security groups admin-host");
    assert!(host.way_at_start.open && host.way_at_start.text.contains("NLB"), "{host:?}");
    assert!(!host.way_at_end.open && host.way_at_end.opened_by.contains("192.168.1.100/32"), "{host:?}");
    assert!(host.succeeded > 0 && host.failed > 0 && host.outage_s > 300.0, "{host:?}");
    let closed = record.closed_ways.iter().find(|way| way.from == "admin host").expect("its way was closed");
    assert_eq!(closed.closed.len(), 1);
    assert!(closed.closed[0].0 > at_minute(10) && closed.closed[0].1.is_none(), "{closed:?}");
    assert!(!record.closed_ways.iter().any(|way| way.nodes.is_some()), "the nodes are let in");
    let outage = record.measures.iter().find(|measure| measure.name == "client.admin host.outage").expect("a measure");
    assert_eq!(outage.value, Some(host.outage_s));
    let network = record.network.expect("the first replication has it");
    let modes: Vec<&str> = network.moments.iter().map(|moment| moment.access.name()).collect();
    assert_eq!((modes[0], *modes.last().expect("moments")), ("public", "private"));
    assert!(serde_json::to_string(&network).expect("plain data").len() < 200_000);
}

/// While a private endpoint is opened to some addresses, nobody else gets in: no public range was in force before.
#[test]
fn a_restricted_opening_admits_nobody_else_meanwhile() {
    let open = Change::EndpointAccess { access: access(BOTH, &["198.51.100.7/32"]) };
    let story = with_client(in_mode(story(3), PRIVATE), "stranger", ClientPlace::Internet(ip("198.51.100.9")));
    let opened = with_client(story, "listed", ClientPlace::Internet(ip("198.51.100.7"))).at(10, open).minutes(40);
    for minute in [11, 12, 30] {
        let stranger = path(&run_to(&opened, minute), "stranger", "API endpoint");
        assert!(!stranger.open, "minute {minute}: {stranger:?}");
    }
    assert!(path(&run_to(&opened, 30), "listed", "API endpoint").open);
}

#[test]
fn rules_outbound_count_on_the_way_to_public_addresses_too() {
    let mut closed = with_admin_host(story(3));
    let group = closed.plan.cluster.network.security_groups.len() - 1;
    let ssh = Rule::port(22, Peer::Cidr("10.0.0.0/8".parse().expect("a range")));
    closed.plan.cluster.network.security_groups[group].outbound = vec![ssh];
    for to in ["API endpoint", "AWS eks"] {
        let path = path(&run_to(&closed, 1), "admin host", to);
        assert!(path.decided_by.starts_with("no outbound rule of admin-host allows TCP 443"), "{path:?}");
    }
}

#[test]
fn an_interface_is_lost_until_the_last_of_its_faults_ends_and_its_server_stays_an_endpoint() {
    let loss = |minutes| Change::InterfaceLoss { zone: ZoneId(1), lasts: Some(SimDuration::from_mins(minutes)) };
    let base = in_mode(story(3), BOTH).placed("b,c", "a", "c").set("endpoint.interface_reaction", "60s");
    let lost = base.at(5, loss(20)).at(10, loss(5)).minutes(40);
    let names = |minute| path(&run_to(&lost, minute), "nodes of general in eu-west-1c", "API endpoint").addresses;
    assert_eq!((names(4), names(16), names(30)), (Some((2, 2)), None, Some((2, 2))), "one name is left, then both");
    let pods = path(&run_to(&lost, 16), "pods of general in eu-west-1c", "service kubernetes").addresses;
    assert_eq!(pods, Some((2, 1)), "a living server renews its lease");
}

#[test]
fn an_update_that_changes_nothing_is_refused() {
    let again = Change::EndpointAccess { access: access(PUBLIC, &["0.0.0.0/0"]) };
    let record = story(3).at(10, again).minutes(20).record();
    assert!(fact(&record, "refused: the endpoint is as it is to be").is_some());
    assert!(fact(&record, "update of the endpoint's access begins").is_none());
}
