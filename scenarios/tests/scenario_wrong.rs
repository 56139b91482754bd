//! Wrong input: each file of the corpus has one mistake, and gives one error that names its line and its remedy.

use proptest::prelude::*;
use scenarios::{InputErrors, Request, library, load};
use std::fs;
use std::path::{Path, PathBuf};

/// The files of `data/wrong`, the line of the mistake (0 is the whole file), and what the error must say.
const WRONG: &[(&str, usize, &str)] = &[
    ("01-unknown-key.toml", 2, "durration: there is no such key; did you mean duration"),
    (
        "02-unknown-nested-key.toml",
        12,
        "cluster.node_groups[0].instancetype: there is no such key; did you mean instance_type",
    ),
    ("03-number-for-duration.toml", 2, "duration: found the number 60; wanted is a duration in quotes"),
    ("04-text-for-count.toml", 4, "replications: found the text \"18\"; wanted is a whole number"),
    ("05-text-for-flag.toml", 16, "cluster.node_groups[0].spot: found the text \"yes\"; wanted is true or false"),
    ("06-odd-duration.toml", 2, "duration: found \"1 fortnight\"; wanted is a duration such as"),
    ("07-warm-up-too-long.toml", 3, "warm_up: 2h is not less than the duration, 1h"),
    ("08-fault-after-the-end.toml", 20, "faults[0].at: 1h30m is not before the end of the run at 1h"),
    ("09-zone-elsewhere.toml", 19, "faults[0].zone: found \"d\"; the zones are eu-west-1a, eu-west-1b, eu-west-1c"),
    ("10-unknown-fault.toml", 18, "faults[0].kind: found \"zone.powerloss\"; did you mean zone.power_loss"),
    ("11-fault-without-target.toml", 17, "faults[0].zone: is missing: The zone"),
    (
        "12-fault-without-kind.toml",
        17,
        "faults[0].kind: is missing; allowed: zone.power_loss, apiserver.member_loss, etcd.member_loss",
    ),
    ("13-max-below-min.toml", 15, "cluster.node_groups[0].max: 2 is less than min, 3"),
    ("14-desired-above-max.toml", 14, "cluster.node_groups[0].desired: 60 is more than max, 9"),
    ("15-unknown-instance-type.toml", 12, "found \"m5.lrge\", which is no instance type of EC2; did you mean m5.large"),
    (
        "16-unknown-region.toml",
        6,
        "cluster.region: found \"eu-wset-1\", which is no AWS region; did you mean eu-west-1",
    ),
    ("17-unknown-version.toml", 7, "cluster.version: found \"1.99\"; allowed: 1."),
    (
        "18-unknown-parameter.toml",
        24,
        "parameters.etcd.election_timout: there is no such parameter; did you mean etcd.election_timeout",
    ),
    ("19-parameter-out-of-range.toml", 24, "allowed: 10ms..50s"),
    ("20-parameter-of-another-kind.toml", 24, "parameters.etcd.fsync: `quick` is not a law of durations"),
    (
        "21-placement-elsewhere.toml",
        24,
        "parameters.placement.etcd_leader_zone: found \"f\"; the control plane's zones are eu-west-1a, eu-west-1b, eu-west-1c",
    ),
    ("22-three-servers-in-two-zones.toml", 25, "names 2 zones, but api_server.count is 3"),
    ("23-controllers-without-api-server.toml", 25, "placement.api_server_zones does not name this zone"),
    (
        "24-lease-shorter-than-deadline.toml",
        24,
        "the lease duration must be longer than the renew deadline; leader_election.renew_deadline is 10s, leader_election.lease_duration is 8s",
    ),
    ("25-election-before-heartbeat.toml", 24, "etcd wants an election timeout of at least five heartbeat intervals"),
    (
        "26-objective-without-comparison.toml",
        24,
        "objectives.api.availability: found \"99.95%\"; wanted is a comparison and a threshold",
    ),
    ("27-more-than-all.toml", 24, "a share lies between 0% and 100%"),
    ("28-not-toml.toml", 2, "is not TOML"),
    ("29-key-twice.toml", 4, "duplicate key"),
    (
        "30-deployment-twice.toml",
        27,
        "deployments[1].name: there is another deployment \"web\" in the namespace default",
    ),
    ("31-node-group-twice.toml", 18, "cluster.node_groups[1].name: there is another node group \"general\""),
    ("32-memory-without-unit.toml", 25, "deployments[0].memory: found \"256\", a few bytes; did you mean 256Mi"),
    ("33-odd-cpu.toml", 25, "deployments[0].cpu: found \"half a core\"; wanted is an amount of CPU such as 250m"),
    ("34-odd-taint.toml", 16, "cluster.node_groups[0].taints[0]: found \"gpu=true:Never\"; wanted is key=value:effect"),
    ("35-scales-nothing.toml", 28, "changes[0].deployment: found \"wbe\"; did you mean web"),
    ("36-scales-beyond-bounds.toml", 26, "changes[0].desired: 20 is out of the group's bounds, 3 to 9"),
    ("37-two-workloads.toml", 26, "workload: stands beside deployments; give the one or the other"),
    ("38-cluster-file-missing.toml", 4, "there is no such file"),
    ("39-no-cluster.toml", 0, "cluster: is missing: the path of an eksctl file, a table [cluster], or --cluster FILE"),
    ("40-dark-twice.toml", 23, "faults[1]: fails while faults[0] has it failed already"),
    ("41-empty.toml", 0, "is empty"),
    ("42-blank.toml", 0, "is empty"),
    ("43-not-utf8.toml", 3, "no UTF-8"),
    ("44-noise.toml", 1, "is not TOML"),
    ("45-one-zone.toml", 8, "cluster.zones: EKS wants subnets in at least two zones"),
    ("46-zone-twice.toml", 8, "cluster.zones[2]: names the zone eu-west-1b twice"),
    ("47-unknown-client.toml", 24, "clients[0].class: found \"robot\"; allowed: admin, ci"),
    ("48-negative-replicas.toml", 25, "deployments[0].replicas: found -3; allowed is 0 to 100000"),
    ("49-half-a-replica.toml", 25, "deployments[0].replicas: found the number 1.5; wanted is a whole number"),
    (
        "50-single-brackets.toml",
        17,
        "faults: found a table; wanted is a list of tables, each under a header in double brackets",
    ),
    ("51-placeholder.toml", 6, "cluster.region: found \"${AWS_REGION}\", which is no AWS region"),
    ("52-endless-run.toml", 2, "duration: found 365d; allowed is 1s to 31d"),
    ("53-grace-below-heartbeat.toml", 24, "or every node is NotReady"),
    ("54-group-for-parameter.toml", 24, "parameters.etcd: is a group of parameters, not one"),
    ("55-yaml.toml", 2, "is not TOML"),
    ("56-deep.toml", 2, "is not TOML"),
    ("57-unknown-measure.toml", 24, "objectives.api.availability.admn: is no measure of a run; did you mean"),
    ("58-variant-twice.toml", 29, "variants[1].name: \"fast\" is the name of another variant"),
    ("59-variant-of-nothing.toml", 26, "there is no such parameter; did you mean nlb.cross_zone"),
    ("60-max-below-min.yaml", 12, "managedNodeGroups[0].maxSize: found 2, below minSize 3"),
    ("61-desired-below-min.yaml", 12, "managedNodeGroups[0].desiredCapacity: found 1, below minSize 3"),
    (
        "62-unknown-instance-type.yaml",
        10,
        "managedNodeGroups[0].instanceType: found m5.lrge; no such instance type in the catalogue of 2026-11-20; did you mean m5.large",
    ),
    ("63-unknown-field.yaml", 12, "managedNodeGroups[0].desiredCapcity: unknown field; did you mean desiredCapacity"),
    ("64-text-for-number.yaml", 12, "managedNodeGroups[0].desiredCapacity: found six; wanted is a whole number"),
    ("65-placeholder.yaml", 5, "metadata.name: found the placeholder ${CLUSTER_NAME}"),
    ("66-template.yaml", 6, "is it a {{ }} placeholder left in"),
    ("67-other-kind.yaml", 3, "kind: found kind ConfigMap; an eksctl ClusterConfig is wanted"),
    ("68-other-version.yaml", 2, "apiVersion: found eksctl.io/v1alpha4; allowed is eksctl.io/v1alpha5"),
    ("69-unknown-region.yaml", 6, "metadata.region: found eu-wset-1; no such AWS region; did you mean eu-west-1"),
    (
        "70-zone-of-another-region.yaml",
        8,
        "availabilityZones[1]: found us-east-1b, a zone of us-east-1; the cluster is in eu-west-1",
    ),
    ("71-one-zone.yaml", 8, "EKS needs subnets in at least 2 zones"),
    ("72-name-twice.yaml", 14, "managedNodeGroups[1].name: found general twice, first on line 9"),
    ("73-no-region.yaml", 4, "metadata.region: missing; name an AWS region such as eu-west-1"),
    ("74-not-yaml.yaml", 9, "not YAML"),
    ("75-key-twice.yaml", 8, "written twice, first on line 5"),
    ("76-empty.yaml", 0, "the file is empty"),
    ("77-fargate-without-private-subnet.yaml", 14, "fargateProfiles: needs private subnets"),
    ("78-version-without-quotes.yaml", 7, "metadata.version: found 1.3; versions of EKS begin with 1.10"),
    ("79-version-of-the-future.yaml", 7, "metadata.version: found 2.99; a Kubernetes version such as"),
    ("80-list.yaml", 2, "found a list; an eksctl ClusterConfig is wanted"),
    ("81-tab.yaml", 5, "YAML is indented with spaces"),
    ("84-unknown-tier.toml", 18, "`3xl` is not a tier: one of standard, xl, 2xl, 4xl, 8xl"),
    ("85-change-to-unknown-tier.toml", 19, "changes[0].tier: found \"xxl\""),
    ("86-change-tier-without-tier.toml", 17, "changes[0].tier: is missing: The tier that it moves to"),
    ("87-shift-elsewhere.toml", 19, "changes[0].zone: found \"f\"; the zones are eu-west-1a, eu-west-1b, eu-west-1c"),
    (
        "88-upgrade-of-nothing.toml",
        18,
        "changes[0].kind: found \"control_plane.upgrad\"; did you mean control_plane.upgrade",
    ),
    ("90-odd-sts-answer.toml", 19, "faults[0].answer: found \"refused\"; did you mean refuses"),
    ("91-sts-fails-twice.toml", 22, "faults[1]: fails while faults[0] has it failed already, at line 17"),
    ("92-counted-agents.toml", 19, "clients[0].count: has no meaning for agents: there is one on each node"),
    ("93-busy-administrator.toml", 19, "clients[0].qps: has no meaning for admin; it is for agents and operators"),
    ("94-restarts-nobody.toml", 23, "changes[0].client: found \"metric\"; did you mean metrics"),
    ("95-odd-fsync-law.toml", 19, "faults[0].fsync: `lognormal(median 20, p95 60ms)` is not a law of durations"),
    ("96-drains-nothing.toml", 25, "changes[0].node_group: found \"generel\"; did you mean general"),
    ("96-slow-disk-twice.toml", 20, "faults[0].times: is given together with fsync"),
    ("97-odd-budget.toml", 25, "deployments[0].pdb_min_available: found \"most\"; wanted is a number of pods"),
    ("97-odd-etcd-member.toml", 19, "faults[0].member: found \"folower\"; wanted is \"leader\", \"follower\""),
    ("98-object-too-large.toml", 20, "faults[0].object_bytes: found 20000000; allowed is 1 to 10000000"),
    (
        "98-two-budgets.toml",
        26,
        "deployments[0].pdb_max_unavailable: stands beside pdb_min_available; a budget has the one or the other",
    ),
    ("99-autoscaler-without-load.toml", 25, "deployments[0].hpa_max: an autoscaler on CPU needs the load"),
    ("99-updates-nothing.toml", 28, "changes[0].deployment: found \"wbe\"; did you mean web"),
    ("d01-daemon-set-twice.toml", 12, "daemon_sets[0].name: there is another DaemonSet \"kube-proxy\""),
    ("d02-daemon-set-after-the-end.toml", 13, "daemon_sets[0].created: 2h is not before the end of the run at 1h"),
    (
        "d03-priority-too-high.toml",
        13,
        "deployments[0].priority: found \"2000000000\"; wanted is the value of a PriorityClass",
    ),
    (
        "d04-odd-node-affinity.toml",
        13,
        "deployments[0].node_affinity[0]: found \"role is graphics\"; wanted is \"key in a,b\"",
    ),
    (
        "d05-neighbour-of-nobody.toml",
        13,
        "deployments[0].pod_anti_affinity[0]: names \"wbe\", which is no deployment of the file; did you mean web",
    ),
    (
        "d06-weight-too-large.toml",
        13,
        "deployments[0].preferred_nodes[0]: found \"500: role exists\"; wanted is a weight of 1 to 100",
    ),
    (
        "i01-odd-init-container.toml",
        13,
        "deployments[0].init_containers[0]: found \"migrate 200Mi\"; wanted is how long",
    ),
    (
        "i02-image-of-two-sizes.toml",
        18,
        "deployments[1].image: the image \"shop\" stands above too, with another size or registry (there: 1Gi)",
    ),
    ("i03-pre-stop-of-nothing.toml", 13, "deployments[0].pre_stop: has no effect without ends_after"),
    ("i04-size-without-unit.toml", 13, "deployments[0].image_size: found \"900\", a few bytes; did you mean 900Mi"),
    ("n01-after-nobody.toml", 27, "faults[1].after: found \"drak\"; did you mean dark"),
    ("n02-after-itself.toml", 21, "faults[0].after: is after itself, over other steps or at once"),
    ("n03-at-and-after.toml", 28, "faults[1].after: stands beside `at`; give one of them"),
    ("n04-wait-alone.toml", 21, "faults[0].wait: counts from the step that `after` names, and there is no `after`"),
    ("n05-name-twice.toml", 26, "faults[1].name: found \"dark\", which is the name of faults[0], at line 17"),
    ("n06-after-the-end.toml", 26, "faults[1].after: 1h is not before the end of the run at 1h"),
    ("n07-all-lost.toml", 21, "faults[0].loss: found \"50%\"; wanted is a share such as \"3%\", 0% to 20%"),
    ("n08-latency-without-unit.toml", 21, "faults[0].latency: "),
    ("n09-latency-too-long.toml", 21, "faults[0].latency: found \"30s\"; allowed is a mean of 0s to 2s"),
    ("n10-cut-off-twice.toml", 24, "faults[1]: fails while faults[0] has it failed already"),
    ("n11-no-time.toml", 17, "faults[0].at: is missing: when it happens, from the start of the run; or `after`"),
    ("v01-odd-access.toml", 18, "network.access: found \"privat\"; did you mean private"),
    ("v02-many-ranges.toml", 18, "network.public_access_cidrs: found 41 ranges; allowed are 1 to 40"),
    ("v03-odd-range.toml", 18, "network.public_access_cidrs[0]: found \"203.0.113.7/33\"; wanted is a range such as"),
    (
        "v04-office-in-the-vpc.toml",
        19,
        "network.connected[0].cidr: 192.168.10.0/24 overlaps the VPC's own range 192.168.0.0/16",
    ),
    ("v05-unknown-service.toml", 18, "network.vpc_endpoints[1]: found \"ecr.dk\"; did you mean ecr.dkr"),
    (
        "v06-unknown-subnet.toml",
        18,
        "network.free_addresses.private-eu-west-1d: found \"private-eu-west-1d\"; did you mean private-eu-west-1",
    ),
    (
        "v07-odd-rule.toml",
        19,
        "network.security_groups[0].inbound[0]: found \"https from 10.0.0.0/8\"; wanted is a rule such as",
    ),
    (
        "v08-rule-from-nobody.toml",
        19,
        "found \"ControlPlaneSecurityGrp\"; did you mean ControlPlaneSecurityGroup, a security group or a range",
    ),
    ("v09-place-nowhere.toml", 23, "clients[0].place: found \"ofice\"; did you mean office"),
    (
        "v10-address-outside-subnet.toml",
        20,
        "clients[0].address: found 10.0.0.5; the addresses of public-eu-west-1a (192.168.0.0/19) are 192.168.0.4 to 192.168.31.254",
    ),
    ("v11-address-outside-office.toml", 24, "clients[0].address: found 10.0.0.5; the range of office is 172.31.0.0/16"),
    ("v12-agents-elsewhere.toml", 19, "clients[0].place: has no meaning for agents: its processes are on the nodes"),
    ("v13-no-nat-there.toml", 19, "faults[0].zone: there is no NAT gateway in eu-west-1b; there is one in eu-west-1a"),
    (
        "v14-no-interface-there.toml",
        19,
        "faults[0].zone: no interface of EKS can lie in eu-west-1c: its subnets are in eu-west-1a, eu-west-1b",
    ),
    ("v15-no-endpoint.toml", 19, "faults[0].service: found \"s3\"; the VPC has no endpoints"),
    ("v16-unknown-group.toml", 19, "changes[0].group: found \"eks-cluster-gs\"; did you mean eks-cluster-sg"),
    (
        "v17-revokes-nothing.toml",
        17,
        "changes[0].rule: eks-cluster-sg has no such rule inbound; it has \"all from eks-cluster-sg\"",
    ),
    ("v18-nobody-deletes.toml", 19, "changes[0].client: found \"amdin\"; did you mean admin"),
    ("v19-access-off.toml", 19, "changes[0].access: found \"none\"; allowed: public, public-and-private, private"),
    ("v20-variant-like-the-scenario.toml", 17, "variants[0]: is the scenario itself: give it parameters, or a network"),
    ("v21-variant-moves.toml", 20, "variants[0].network.cidr: there is no such key"),
    (
        "v22-private-on-the-internet.toml",
        19,
        "clients[0].address: found 10.0.0.5, a private address, which nobody on the internet has",
    ),
    (
        "v23-nodes-of-no-group.toml",
        16,
        "cluster.node_groups[0].security_groups[0]: found \"eks-cluster\"; did you mean eks-cluster-sg",
    ),
    ("v24-large-vpc.toml", 18, "network.cidr: found \"10.0.0.0/8\"; wanted is a range of /16 to /24"),
    (
        "v25-zone-of-the-internet.toml",
        19,
        "clients[0].zone: has no meaning here: it is for public-subnet, private-subnet and vpc",
    ),
    ("w01-patient-webhook.toml", 19, "webhooks[0].timeout: found 1m; Kubernetes allows 1s to 30s"),
    ("w02-webhook-of-nothing.toml", 19, "webhooks[0].deployment: found \"guard\"; allowed: service-1"),
    ("w03-unknown-webhook.toml", 22, "faults[0].webhook: found \"gaurd\"; did you mean guard"),
    ("w04-odd-failure-policy.toml", 19, "webhooks[0].failure_policy: found \"fail\"; did you mean Fail"),
    (
        "w05-odd-partition.toml",
        19,
        "faults[0].target: found \"follower\"; wanted is \"leader\", \"all\", or one of the zones",
    ),
    (
        "w06-six-selectors.toml",
        11,
        "cluster.fargate_profiles[0].selectors: found 6 selectors; a Fargate profile has 1 to 5",
    ),
    ("w07-selector-without-namespace.toml", 11, "cluster.fargate_profiles[0].selectors[0].namespace: is missing"),
    ("w08-fargate-elsewhere.toml", 12, "cluster.fargate_profiles[0].zones[0]: found \"d\"; the cluster's zones are"),
    (
        "w09-two-profiles-of-a-name.toml",
        14,
        "cluster.fargate_profiles[1].name: there is another Fargate profile \"fp\"",
    ),
];

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/wrong")
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// The errors of a scenario, or of an eksctl file under the first built-in one.
fn errors_of(path: &Path) -> InputErrors {
    let shown = path.to_string_lossy();
    let yaml = path.extension().is_some_and(|ending| ending == "yaml");
    let (scenario, cluster) = if yaml { ("az-failure", Some(path)) } else { (&*shown, None) };
    load(&Request { scenario, cluster, sets: &[], still: false }).expect_err("a wrong file")
}

fn set(path_and_value: &str) -> String {
    let sets = [path_and_value.to_owned()];
    load(&Request { scenario: "az-failure", cluster: None, sets: &sets, still: false }).expect_err("wrong").to_string()
}

#[test]
fn each_wrong_file_gives_one_error_with_its_line_and_remedy() {
    for (name, line, says) in WRONG {
        let errors = errors_of(&corpus().join(name));
        let shown = errors.to_string();
        assert!(shown.contains(says), "{shown}\nwants: {says}");
        assert_eq!((errors.0.len(), errors.0[0].line), (1, *line), "{shown}");
        assert!(errors.0[0].file.ends_with(name) && !errors.0[0].problem.ends_with('.'), "{shown}");
        assert!(shown.lines().count() == 1 && shown.chars().all(|c| !c.is_control()), "{shown:?}");
    }
}

#[test]
fn the_table_names_every_file_of_the_corpus() {
    let mut files: Vec<String> = fs::read_dir(corpus())
        .expect("the corpus")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("plain names"))
        .collect();
    files.sort();
    let named: Vec<&str> = WRONG.iter().map(|(name, _, _)| *name).collect();
    assert_eq!(files, named);
    assert!(named.len() >= 50);
}

#[test]
fn all_errors_of_a_file_come_at_once_in_the_order_of_lines() {
    let path = scratch("many.toml");
    let text = "warmup = \"1m\"\nduration = 5\n[cluster]\nregion = \"mars\"\n[[faults]]\nkind = \"x\"\n";
    fs::write(&path, text).expect("the scratch folder");
    let lines: Vec<usize> = errors_of(&path).0.iter().map(|error| error.line).collect();
    assert_eq!(lines, [1, 2, 4, 6]);
}

#[test]
fn what_is_no_readable_file_is_named() {
    let folder = scratch("folder.toml");
    fs::create_dir_all(&folder).expect("the scratch folder");
    assert!(errors_of(&folder).to_string().ends_with("folder.toml: is a directory; a TOML scenario is wanted"));
    assert!(errors_of(&scratch("nowhere.toml")).to_string().ends_with("nowhere.toml: there is no such file"));
    let names =
        load(&Request { scenario: "az-failur", cluster: None, sets: &[], still: false }).expect_err("no such name");
    assert!(names.to_string().contains("did you mean az-failure"), "{names}");
}

#[test]
fn a_hundred_megabytes_of_noise_are_refused_unread() {
    for (name, says) in [("huge.toml", "is larger than 4 MiB"), ("huge.yaml", "is larger than 4 MiB")] {
        let path = scratch(name);
        fs::write(&path, [7; 4096]).expect("the scratch folder");
        fs::File::options().write(true).open(&path).and_then(|file| file.set_len(100 << 20)).expect("a sparse file");
        let shown = errors_of(&path).to_string();
        assert!(shown.contains(says), "{shown}");
        fs::remove_file(&path).expect("written above");
    }
}

#[test]
fn a_flood_of_mistakes_is_told_in_a_hundred_lines() {
    let path = scratch("flood.toml");
    let keys: String = (0..200_000).map(|number| format!("key_{number} = 1\n")).collect();
    fs::write(&path, keys).expect("the scratch folder");
    let errors = errors_of(&path);
    assert_eq!((errors.0.len(), errors.0[100].problem.as_str()), (101, "and 199902 more errors"));
    let clients = "[[clients]]\nclass = \"ci\"\n".repeat(100_000);
    fs::write(&path, format!("duration = \"1h\"\n{clients}")).expect("the scratch folder");
    assert!(errors_of(&path).to_string().contains("clients: holds 100000 tables; allowed are 10000"));
}

#[cfg(unix)]
#[test]
fn a_pipe_that_nobody_writes_to_is_refused_unopened() {
    for name in ["pipe.toml", "pipe.yaml"] {
        let pipe = scratch(name);
        let _ = fs::remove_file(&pipe);
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
        assert!(errors_of(&pipe).to_string().contains("is no regular file but a pipe or device"));
    }
}

#[cfg(unix)]
#[test]
fn a_file_without_end_is_refused() {
    let link = scratch("endless.toml");
    let _ = fs::remove_file(&link);
    std::os::unix::fs::symlink("/dev/zero", &link).expect("the scratch folder");
    assert!(errors_of(&link).to_string().contains("is no regular file but a pipe or device"));
}

#[test]
fn errors_of_set_name_set_as_their_place() {
    for (argument, says) in [
        ("etcd.election_timeout", "--set: found \"etcd.election_timeout\"; wanted is path=value"),
        (
            "etcd.elction_timeout=1s",
            "--set: etcd.elction_timeout: there is no such parameter; did you mean etcd.election_timeout",
        ),
        ("etcd.election_timeout=fast", "--set: etcd.election_timeout: `fast` is not a duration"),
        ("etcd.election_timeout=1h", "allowed: 10ms..50s"),
        ("election_timeout=1s", "did you mean etcd.election_timeout"),
        (
            "placement.controllers_zone=q",
            "--set: placement.controllers_zone: found \"q\"; the control plane's zones are",
        ),
        ("api_server.count=13", "allowed: 1..12"),
        (
            "leader_election.lease_duration=9s",
            "--set: leader_election.lease_duration: the lease duration must be longer",
        ),
    ] {
        let shown = set(argument);
        assert!(shown.contains(says), "{shown}\nwants: {says}");
    }
}

/// Loads a text as a scenario; whatever it is, it must not panic.
fn try_text(name: &str, bytes: &[u8]) {
    let path = scratch(name);
    fs::write(&path, bytes).expect("the scratch folder");
    let _ = load(&Request { scenario: &path.to_string_lossy(), cluster: None, sets: &[], still: false });
}

/// A file with everything in it, so that mutations reach every key.
const EVERYTHING: &str = include_str!("data/everything.toml");

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_mutated_scenario_makes_it_panic(
        which in 0usize..4,
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, "\\PC{0,6}"), 1..4),
    ) {
        let mut text = library().get(which).map_or(EVERYTHING, |built_in| built_in.text).to_owned();
        for (at, length, instead) in cuts {
            let starts: Vec<usize> = text.char_indices().map(|(start, _)| start).collect();
            if starts.is_empty() {
                break;
            }
            let start = at.index(starts.len());
            let end = starts.get(start + length).copied().unwrap_or(text.len());
            text.replace_range(starts[start]..end, &instead);
        }
        try_text("mutated.toml", text.as_bytes());
    }

    #[test]
    fn no_swapped_value_makes_it_panic(line in any::<prop::sample::Index>(), value in prop::sample::select(vec![
        "0", "-1", "1e400", "nan", "\"\"", "\"0\"", "true", "[]", "{}", "[[]]", "[{}]", "1979-05-27", "18446744073709551616",
        "\"99999999999h\"", "\"first\"", "\"d\"", "\"1.30\"", "[\"c\", \"d\"]", "\"0s\"",
    ])) {
        let mut lines: Vec<String> = EVERYTHING.lines().map(str::to_owned).collect();
        let at = line.index(lines.len());
        if let Some((key, _)) = lines[at].split_once('=') {
            lines[at] = format!("{key}= {value}");
        }
        try_text("swapped.toml", lines.join("\n").as_bytes());
    }

    #[test]
    fn no_set_makes_it_panic(path in "[a-z_.]{0,30}", value in "\\PC{0,20}") {
        let sets = [format!("{path}={value}"), value];
        let _ = load(&Request { scenario: "az-failure", cluster: None, sets: &sets, still: true });
    }
}

/// What is said of a pod trace with this text.
fn wrong_trace(text: &str) -> String {
    let path = std::env::temp_dir().join(format!("ekssim-trace-{}-{}.csv", std::process::id(), text.len()));
    std::fs::write(&path, text).expect("a file");
    let request = Request { scenario: "az-failure", cluster: None, sets: &[], still: false };
    let errors = scenarios::load_with_pods(&request, Some(&path)).expect_err("a wrong trace").to_string();
    std::fs::remove_file(&path).expect("it is there");
    errors
}

#[test]
fn a_wrong_pod_trace_names_line_column_found_and_allowed() {
    let header = "name,arrival_s,cpu_milli,memory_mib,duration_s\n";
    for (rest, parts) in [
        ("a,1.5,100,128,3\nb,x,100,128,3\n", &[":3: arrival_s: found \"x\"", "seconds from 0"][..]),
        ("a,1.5,-1,128,3\n", &[":2: cpu_milli: found \"-1\"", "a whole number"]),
        ("a,1.5,100,128\n", &[":2: found 4 fields", "5 columns"]),
        ("", &["holds no pod"]),
    ] {
        let errors = wrong_trace(&format!("{header}{rest}"));
        assert!(parts.iter().all(|part| errors.contains(part)), "{errors}");
    }
    let misspelt = wrong_trace("name,arival_s,cpu_milli,memory_mib,duration_s\na,1,1,1,1\n");
    assert!(
        misspelt.contains(":1: arrival_s or creation_time: is missing") && misspelt.contains("did you mean arival_s"),
        "{misspelt}"
    );
}
