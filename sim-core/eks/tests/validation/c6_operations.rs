//! C6: durations of EKS operations and the lock-out. Here (c), the change of the endpoint's access, and (f); (a) and
//! (b) are in `d1_creation.rs`. The law of (c) is an input that spans its measurements; what is tested is that the
//! operation as a whole, with the replacement of the API servers in it, takes the time that people measured.

use crate::story::{Story, fact, story};
use crate::table::{Allowed, Row, check};
use sim_eks::Record;
use sim_eks::plan::{Change, Client, ClientPlace, EndpointAccess, ExternalClient, Network, Peer, Rule};
use sim_kernel::SimDuration;

fn switched(access: EndpointAccess, minutes: u64) -> Story {
    let group = story(3).plan.cluster.network.security_groups.len();
    let mut story = story(3).at(10, Change::EndpointAccess { access }).minutes(minutes);
    story.plan.cluster.network.add_group("admin-host".to_owned(), Vec::new());
    let address = "192.168.1.100".parse().expect("an address");
    let place = ClientPlace::Subnet { subnet: 0, address, groups: vec![group] };
    let class = ExternalClient::Admin;
    story.plan.clients.push(Client { name: "admin host".to_owned(), class, place, count: 1 });
    story.plan.warm_up = SimDuration::from_mins(30);
    story
}

/// Minutes from the call to the end of the update.
fn lasted(record: &Record) -> f64 {
    let (began, ended) = ("update of the endpoint's access begins", "endpoint access is");
    let at = |text: &str| fact(record, text).unwrap_or_else(|| panic!("{text}")).first;
    at(ended).saturating_since(at(began)).as_secs_f64() / 60.0
}

#[test]
fn c_the_change_of_the_endpoints_access_takes_minutes() {
    let restricted = "198.51.100.1/32".parse().expect("a range");
    let access = EndpointAccess { public: true, private: true, public_cidrs: vec![restricted] };
    let mut minutes: Vec<f64> = switched(access, 40).records(0..200).iter().map(lasted).collect();
    minutes.sort_by(f64::total_cmp);
    let row = |what: &str, published, found, allowed| Row {
        result: "C6",
        what: format!("(c) access update, min, {what}"),
        published,
        found,
        allowed,
    };
    check(&[
        row("shortest of 200", 3.5, minutes[0], Allowed::AtLeast),
        row("one in three is longer than one log", 5.0, minutes[133], Allowed::AtLeast),
        row("one in three is shorter than the seed document's", 8.0, minutes[66], Allowed::AtMost),
    ]);
}

/// Private only and a security group without the administrator: all its calls time out, also the tool's that deletes; 443
/// from the host's /32 on the control plane's security group repairs it.
#[test]
fn f_the_lock_out_and_its_repair() {
    let private = EndpointAccess { public: false, private: true, public_cidrs: Vec::new() };
    let locked = switched(private, 60);
    let succeeded = |story: &Story| {
        let record = story.record();
        let admin = record.clients.iter().find(|client| client.class == "admin").expect("the class");
        let (sent, succeeded) = admin.verbs.iter().fold((0, 0), |(a, b), verb| (a + verb.sent, b + verb.succeeded));
        succeeded as f64 / sent as f64
    };
    let rule = Rule::port(443, Peer::Cidr("192.168.1.100/32".parse().expect("a range")));
    let repair = Change::SecurityRule { group: Network::CONTROL_PLANE_GROUP, rule, allow: true };
    let row = |what: &str, published, found| Row {
        result: "C6",
        what: format!("(f) share of the admin host's calls that succeed, {what}"),
        published,
        found,
        allowed: Allowed::Exactly,
    };
    check(&[
        row("private only", 0.0, succeeded(&locked)),
        row("443 from its /32 added", 1.0, succeeded(&locked.at(25, repair))),
    ]);
}
