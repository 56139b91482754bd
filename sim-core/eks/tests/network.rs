//! Who reaches the API by which way: security groups, routes, NAT gateways, the interfaces of EKS and the three access
//! modes. What is open and what is closed comes out of the packet filter and the routes alone.

mod story;

use sim_eks::plan::{Change, Client, ClientPlace, EndpointAccess, ExternalClient, NatMode, Network, Peer, Rule};
use sim_eks::record::Record;
use sim_eks::{Path, Run};
use sim_study::Subject;
use std::net::IpAddr;
use story::{Story, at_minute, fact, story};

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

/// In public mode private nodes of all zones go through the one NAT gateway; with private access they stay Ready, but a pod
/// that is new to its node finds neither address nor image.
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
    assert!(fact(&both, "AWS ec2 cannot be reached: the NAT gateway in eu-west-1a lets nothing through").is_some());
}
