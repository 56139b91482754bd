//! Stories of scenarios that are right: what the plan says of them.

use scenarios::{Request, library, load};
use sim_eks::Plan;
use sim_eks::plan::{
    Change, Expander, ExternalClient, NoteKind, Operator, PodStart, PodTerm, Registry, SYSTEM_CLUSTER_CRITICAL,
    Topology, WebhookRules, WebhookTrouble, WorkloadCall, ZoneId,
};
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
        assert!((!plan.steps.is_empty() || plan.creation.is_some()) && !plan.objectives.is_empty());
        assert!((2..=18).contains(&plan.replications), "{}: it must run in seconds", built_in.name);
        // Time alone takes a version into extended support; that is no fault of the scenario.
        let mut warnings = plan.notes.iter().filter(|note| note.kind == NoteKind::Warning);
        assert!(
            warnings.all(|note| note.field == "version" && note.text.contains("is in extended support")),
            "{:?}",
            plan.notes
        );
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

fn scenario_file(name: &str) -> String {
    format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_key_of_the_format_is_read() {
    let plan = plan(&scenario_file("everything.toml"));
    let zones: Vec<&str> = plan.cluster.zones.iter().map(|zone| zone.name.as_str()).collect();
    assert_eq!(zones, ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d"]);
    let [general, graphics] = &plan.cluster.node_groups[..] else { panic!("two groups") };
    assert!(
        !general.managed
            && !general.spot
            && general.zones.len() == 4
            && general.usd_per_hour.known("us-east-1") == Some(0.096)
    );
    assert_eq!(
        (graphics.min, graphics.desired, graphics.max, graphics.zones.as_slice()),
        (0, 2, 4, &[ZoneId(1), ZoneId(2)][..])
    );
    assert!(
        graphics.managed
            && graphics.spot
            && graphics.taints.len() == 2
            && graphics.labels["example.com/tier"] == "high"
    );
    let [web, render, store, coredns, report, scaler] = &plan.deployments[..] else { panic!("six workloads") };
    let autoscaler = plan.autoscaler.as_ref().expect("there is one");
    assert_eq!((autoscaler.deployment, autoscaler.expander), (5, Expander::Priority));
    assert_eq!((&autoscaler.priorities[..], scaler.replicas), (&[0, 7][..], 2));
    assert_eq!((scaler.requests.milli_cpu, scaler.requests.memory_mib), (200, 700));
    assert_eq!(scaler.node_selector["example.com/tier"], "high");
    assert_eq!((store.control.volume_gib, store.control.is_parallel), (Some(20), true));
    let job = report.control.job.as_ref().expect("it is a Job");
    assert_eq!((job.completions, job.parallelism, job.backoff_limit, job.failures), (6, 2, 3, 0.05));
    assert_eq!(
        (web.namespace.as_str(), web.replicas, web.requests.milli_cpu, web.requests.memory_mib),
        ("shop", 12, 250, 256)
    );
    assert_eq!((render.requests.milli_cpu, render.requests.memory_mib, render.tolerations.len()), (1500, 2048, 3));
    assert!(web.spread_zones && coredns.name == "coredns");
    let at: Vec<u64> = plan.steps.iter().map(|step| step.at.as_nanos() / 60_000_000_000).collect();
    assert_eq!(at, [5, 10, 20, 30, 40, 45, 47, 50, 55, 56, 56, 56, 57, 58, 58, 58, 59]);
    assert!(web.control.priority == 1_000 && web.control.never_preempts);
    assert!(render.control.priority == 0 && coredns.control.priority == SYSTEM_CLUSTER_CRITICAL);
    let placing = &web.control.placing;
    let operators: Vec<_> = placing.node_affinity.iter().map(|requirement| requirement.operator).collect();
    assert_eq!(operators, [Operator::In, Operator::Gt]);
    assert_eq!((placing.preferred_nodes[0].0, placing.preferred_nodes[0].1.operator), (50, Operator::Exists));
    let required = PodTerm { to: 1, topology: Topology::Zone, anti: false, weight: None };
    let preferred = PodTerm { to: 0, topology: Topology::Host, anti: true, weight: Some(100) };
    assert_eq!(placing.pod_terms, [required, preferred]);
    assert_eq!((placing.host_skew, placing.gated_for), (Some(2), Some(parse_duration("1m").unwrap())));
    let placing = &render.control.placing;
    assert_eq!((placing.gpus, placing.zone_skew, graphics.gpus), (1, Some(3), 4));
    let agent = &plan.cluster.daemon_sets[2];
    assert_eq!((agent.name.as_str(), agent.requests.milli_cpu, agent.requests.memory_mib), ("agent", 30, 40));
    assert!(
        agent.priority == SYSTEM_CLUSTER_CRITICAL
            && agent.host_network
            && agent.tolerations.len() == 1
            && agent.node_selector.len() == 1
    );
    assert_eq!(agent.created, Some(sim_kernel::SimTime::ZERO + parse_duration("15m").unwrap()));
    let guard = &plan.webhooks[0];
    assert!(guard.rules == WebhookRules::All && guard.deployment == Some(0) && guard.exempts_itself);
    assert!(guard.ignores_failure && guard.timeout == parse_duration("5s").unwrap());
    let (webhook, trouble) = (0, WebhookTrouble::Refuses);
    assert_eq!(plan.steps[8].change, Change::WebhookTrouble { webhook, trouble, lasts: None });
    assert_eq!(plan.steps[7].change, Change::RestartWorkload { workload: 0 });
    let [metrics, operator] = &plan.workloads[..] else { panic!("agents and an operator") };
    let interval = parse_duration("10m").unwrap();
    assert!(metrics.replicas.is_none() && metrics.system && metrics.back_off && metrics.interval == interval);
    assert_eq!((metrics.does, metrics.workers, metrics.qps, metrics.burst), (WorkloadCall::Watch, 1, 5, 10));
    assert_eq!((operator.name.as_str(), operator.replicas, operator.does), ("operator", Some(2), WorkloadCall::Apply));
    assert_eq!((operator.workers, operator.qps, operator.burst, operator.back_off), (3, 50, 100, false));
    assert_eq!(plan.steps[2].change, Change::ScaleDeployment { deployment: 0, replicas: 24 });
    assert!(matches!(plan.steps[4].change, Change::EtcdMemberLoss { zone: None, lasts: Some(_) }));
    let measures: Vec<_> = plan.objectives.iter().map(|each| (each.measure.as_str(), each.threshold)).collect();
    let wanted = [("api.availability", 0.9995), ("api.latency.p99.admin", 1.0), ("nodes.not_ready_falsely", 5.0)];
    assert_eq!(measures, wanted);
}

#[test]
fn how_pods_start_and_end_reaches_the_plan() {
    let plan = plan(&scenario_file("everything.toml"));
    let (web, render) = (&plan.deployments[0].control.start, &plan.deployments[1].control.start);
    assert_eq!((web.image.name.as_deref(), web.image.size_mib), (Some("shop/web"), Some(1024)));
    assert_eq!((web.image.registry, web.image.always), (Registry::Public, true));
    let [first, second] = &web.init_containers[..] else { panic!("two init containers") };
    assert!(first.image.is_none() && first.runs == parse_duration("30s").unwrap());
    assert_eq!(second.image.as_ref().and_then(|image| image.size_mib), Some(200));
    // 25 s, asked after 5 s and each 7 s: the third question after the first.
    assert_eq!(web.readiness.map(|of| of.passes_after()), Some(parse_duration("26s").unwrap()));
    assert_eq!(web.stop.takes(parse_duration("30s").unwrap()), parse_duration("18s").unwrap());
    assert_eq!(*render, PodStart::default());
    assert_eq!(plan.cluster.daemon_sets[2].start.image.size_mib, Some(90));
}

#[test]
fn the_network_of_a_scenario_reaches_its_plan() {
    let plan = plan(&scenario_file("everything.toml"));
    let vpc = &plan.cluster.network;
    assert_eq!((vpc.cidr.to_string(), vpc.service_cidr.to_string()), ("10.20.0.0/16".into(), "172.20.0.0/16".into()));
    assert_eq!(vpc.access.to_string(), "public and private (public from 198.51.100.0/24, 203.0.113.7/32)");
    assert_eq!((vpc.nat_gateways.len(), vpc.vpc_endpoints.len(), vpc.connected.len()), (4, 2, 1));
    let scarce = vpc.subnets.iter().find(|subnet| subnet.name == "private-us-east-1a").expect("there");
    assert_eq!((scarce.usable(), scarce.routes.len()), (12, 2));
    let inbound = |name: &str| {
        let group = vpc.group(name).expect("there");
        vpc.security_groups[group].inbound.iter().map(|rule| vpc.describe_rule(group, rule, true)).collect::<Vec<_>>()
    };
    let rules = [
        "port 443 from nodegroup-general-SG",
        "port 443 from 172.31.0.0/16",
        "port 443 from bastion",
        "ports 1025 to 65535 from operators-sg",
    ];
    let rules = rules.map(|rule| format!("security group ControlPlaneSecurityGroup allows {rule}"));
    assert_eq!(inbound("ControlPlaneSecurityGroup"), rules);
    assert!(inbound("operators-sg").is_empty());
    let [general, graphics] = &plan.cluster.node_groups[..] else { panic!("two groups") };
    let names = |subnets: &[usize]| subnets.iter().map(|at| vpc.subnets[*at].name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&graphics.subnets), ["private-us-east-1b", "private-us-east-1c"]);
    assert!(names(&general.subnets).iter().all(|name| name.starts_with("public")));
    assert_eq!(graphics.security_groups, [0, vpc.group("bastion").expect("there")]);
    assert_eq!(plan.clients[2].class, ExternalClient::Exec);
    let places: Vec<String> = plan.clients.iter().map(|client| vpc.describe_place(&client.place)).collect();
    assert_eq!(
        places,
        [
            "on a host in private-us-east-1c, 10.20.223.254, security groups operators-sg",
            "on a host in public-us-east-1a, 10.20.0.200, security groups bastion",
            "in office, 172.31.0.10",
            "on the internet, 203.0.113.7",
        ]
    );
}

#[test]
fn changes_of_the_network_are_read() {
    let plan = plan(&scenario_file("everything.toml"));
    let told: Vec<String> = plan.steps[9..].iter().map(|step| plan.describe(&step.change)).collect();
    assert_eq!(
        told,
        [
            "the NAT gateway in us-east-1b stops silently for 1m",
            "the interfaces of EKS in us-east-1a let nothing through for 1m",
            "the VPC endpoint of ec2 does not answer for 1m",
            "the endpoint's access becomes private",
            "the endpoint's access becomes public (public from 203.0.113.0/24)",
            "security group ControlPlaneSecurityGroup allows port 443 from 172.31.5.4/32",
            "security group ControlPlaneSecurityGroup no longer allows port 443 from bastion",
            "jump deletes the cluster",
        ]
    );
    let warned = plan.notes.iter().any(|note| note.field == "changes[3].public_access_cidrs");
    assert!(warned, "ranges without public access: {:?}", plan.notes);
}

#[test]
fn a_variant_may_have_another_network() {
    let plan = plan(&scenario_file("everything.toml"));
    let [private, quick] = &plan.variants[..] else { panic!("two variants") };
    assert!(quick.network.is_none() && private.settings == plan.settings);
    let other = plan.variant(private).cluster.network;
    assert_eq!((other.access.name(), other.nat_gateways.len()), ("private", 0));
    assert_eq!((&other.subnets.len(), &other.security_groups), (&8, &plan.cluster.network.security_groups));
    let differences = plan.cluster.network.differences(&other);
    let wanted = [
        "endpoint access: public and private (public from 198.51.100.0/24, 203.0.113.7/32) -> private",
        "NAT gateways: 4 -> none",
        "VPC endpoints: ec2, s3 -> none",
    ];
    assert_eq!(differences, wanted);
    assert_ne!(plan.hash(), plan.variant(private).hash());
    let shown = scenarios::show(&plan);
    for part in
        wanted.into_iter().chain(["dns.ttl = 5s", "in office, 172.31.0.10", "10.20.96.0/19", "443 from bastion"])
    {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
}

#[test]
fn what_a_fault_takes_may_be_there_in_a_variant_alone() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("in-a-variant.toml");
    let text = |network: &str| {
        format!(
            "duration = \"10m\"\n[cluster]\n[network]\nnat = \"Disable\"\n{network}\n[[faults]]\nkind = \"nat.loss\"\nat = \"2m\"\n[[changes]]\nkind = \"endpoint.access\"\naccess = \"public\"\nat = \"3m\"\n"
        )
    };
    let read = |network: &str| {
        std::fs::write(&file, text(network)).expect("the scratch folder");
        load(&request(file.to_str().expect("UTF-8")))
    };
    let refused = read("").expect_err("no gateway at all").to_string();
    assert!(refused.contains("faults[0].zone: the VPC has no NAT gateway"), "{refused}");
    let plan = read("[[variants]]\nname = \"out\"\nnetwork = { nat = \"Single\" }").expect("one in a variant");
    assert!(matches!(plan.steps[0].change, Change::NatLoss { zone: None, lasts: None }));
    let warned = plan.notes.iter().any(|note| note.text.starts_with("EKS refuses an update that changes nothing"));
    assert!(warned, "public it is already: {:?}", plan.notes);
}

#[test]
fn a_network_changes_that_of_a_clusters_file() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join("over-a-file.toml");
    let text =
        "duration = \"10m\"\n[network]\ncidr = \"10.0.0.0/16\"\naccess = \"private\"\nnat = \"HighlyAvailable\"\n";
    std::fs::write(&file, text).expect("the scratch folder");
    let cluster = scenario_file("eksctl/03-two-nodegroups.yaml");
    let request = Request { cluster: Some(std::path::Path::new(&cluster)), ..request(file.to_str().expect("UTF-8")) };
    let plan = load(&request).unwrap_or_else(|errors| panic!("{errors}"));
    let vpc = &plan.cluster.network;
    assert_eq!(
        (vpc.access.name(), vpc.nat_gateways.len(), vpc.cidr.to_string().as_str()),
        ("private", 3, "192.168.0.0/16")
    );
    let warned = |note: &&sim_eks::plan::Note| note.kind == NoteKind::Warning && note.field == "network.cidr";
    assert_eq!(plan.notes.iter().filter(warned).count(), 1);
}

/// The line of the time to live in `everything.toml`.
fn line_of_ttl() -> usize {
    let text = std::fs::read_to_string(scenario_file("everything.toml")).expect("a file of the tests");
    text.lines().position(|line| line.starts_with("ttl = \"30s\"")).expect("it is set") + 1
}

#[test]
fn set_beats_the_file_which_beats_the_version_which_beats_the_default() {
    let file = scenario_file("everything.toml");
    let sets = ["etcd.election_timeout=3s".to_owned()];
    let plan = load(&Request { sets: &sets, ..request(&file) }).unwrap_or_else(|errors| panic!("{errors}"));
    let origins: Vec<_> =
        plan.settings.iter().map(|each| (each.path.as_str(), each.value.as_str(), each.origin.as_str())).collect();
    assert!(origins.contains(&("etcd.election_timeout", "3s", "--set")), "{origins:?}");
    assert!(origins.contains(&("dns.ttl", "30s", &*format!("everything.toml:{}", line_of_ttl()))), "{origins:?}");
    assert!(origins.contains(&("node_lifecycle.grace_period", "40s", "Kubernetes 1.29")), "{origins:?}");
    let sets = ["node_lifecycle.grace_period=65s".to_owned()];
    let plan = load(&Request { sets: &sets, ..request(&file) }).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(plan.parameters.get("node_lifecycle.grace_period").as_deref(), Some("1m5s"));
    assert!(plan.settings.iter().all(|setting| setting.origin != "Kubernetes 1.29"));
}

#[test]
fn still_takes_every_chance_away() {
    let plan = load(&Request { still: true, ..request("az-failure") }).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(plan.parameters.get("network.jitter").as_deref(), Some("0"));
    assert_eq!(plan.parameters.get("network.rtt_between_zones").as_deref(), Some("1.015ms"));
    assert!(plan.notes.iter().any(|note| note.place == "--still"));
}

#[test]
fn what_is_shown_names_every_parameter_and_every_default_that_was_filled_in() {
    let text = scenarios::show(&plan(&scenario_file("everything.toml")));
    for declared in sim_eks::DECLARATIONS {
        assert!(text.contains(declared.path) && text.contains(declared.source), "{}", declared.path);
    }
    for part in [
        &format!("everything.toml:{}; default 60s", line_of_ttl()),
        "zone us-east-1b loses power for 15m",
        "shop/web",
        "kube-system/coredns with 2",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn a_parameter_is_explained_with_its_value_range_and_source() {
    let text = scenarios::explain("etcd.election_timeout", None).expect("a parameter");
    for part in ["1s (default)", "10ms to 50s", "documented", "etcd-io/website"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(scenarios::explain("dns", None).expect("a group").contains("dns.ttl"));
    assert!(scenarios::explain("", None).expect("all groups").contains("leader_election"));
    let error = scenarios::explain("dns.tll", None).expect_err("misspelt").to_string();
    assert!(error.contains("did you mean dns.ttl"), "{error}");
}

#[test]
fn every_eksctl_example_fits_under_every_built_in_scenario() {
    let folder = scenario_file("eksctl");
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).expect("the examples").map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "yaml"));
    files.sort();
    assert!(files.len() >= 16);
    for (file, built_in) in files.iter().flat_map(|file| library().iter().map(move |built_in| (file, built_in))) {
        let plan = match load(&Request { cluster: Some(file), ..request(built_in.name) }) {
            // A cluster without a managed node group has nothing that EKS could update, and is told so.
            Err(errors) if ["has no node groups", "self-managed"].iter().any(|it| errors.to_string().contains(it)) => {
                assert_eq!(built_in.name, "nodegroup-upgrade", "{errors}");
                continue;
            }
            loaded => loaded.unwrap_or_else(|errors| panic!("{errors}")),
        };
        let (pods, nodes): (u32, u32) = (plan.deployments.iter().map(|each| each.replicas).sum(), plan.cluster.nodes());
        // An autoscaler finds room for more, and listed Deployments do not follow the cluster.
        let is_listed = built_in.text.contains("[[deployments]]");
        let fit = plan.autoscaler.is_some() || is_listed || pods <= 20.max(2 + 10 * nodes);
        assert!(pods >= 2 && fit, "{}: {pods} pods on {nodes} nodes", file.display());
        let warned = plan.notes.iter().any(|note| note.kind == NoteKind::Warning && note.field == "cluster");
        assert_eq!(warned, nodes == 0, "{}", file.display());
        assert!(plan.notes.iter().all(|note| !note.place.contains('/')), "{:?}", plan.notes);
    }
}

#[test]
fn a_scenario_names_its_cluster_file_relative_to_itself() {
    let folder = env!("CARGO_TARGET_TMPDIR");
    std::fs::copy(scenario_file("eksctl/03-two-nodegroups.yaml"), format!("{folder}/two.yaml"))
        .expect("the scratch folder");
    let file = format!("{folder}/two.toml");
    std::fs::write(&file, "duration = \"20m\"\ncluster = \"two.yaml\"\n").expect("the scratch folder");
    let plan = plan(&file);
    assert_eq!((plan.scenario.as_str(), plan.title.as_str(), plan.cluster.nodes()), ("two", "two", 14));
    assert_eq!((plan.warm_up, plan.replications, plan.clients.len()), (parse_duration("2m").unwrap(), 1, 2));
    let other = scenario_file("eksctl/01-simple-cluster.yaml");
    let plan = load(&Request { cluster: Some(other.as_ref()), ..request(&file) }).expect("another cluster under it");
    assert_eq!(plan.cluster.nodes(), 1);
}

#[test]
fn fargate_profiles_select_by_namespace_and_labels_in_private_subnets() {
    let plan = plan(&scenario_file("everything.toml"));
    let profile = &plan.cluster.fargate_profiles[0];
    assert!(profile.subnets.iter().all(|subnet| !plan.cluster.network.subnets[*subnet].public));
    assert_eq!((profile.name.as_str(), profile.zones.len(), profile.selectors.len()), ("batch", 2, 2));
    let mut web = plan.deployments[0].clone();
    assert_eq!(plan.cluster.fargate_profile_of(&web), None);
    web.control.labels.insert("on".to_owned(), "fargate".to_owned());
    assert_eq!(plan.cluster.fargate_profile_of(&web), Some(0));
    web.namespace = "batch-7".to_owned();
    web.control.labels.clear();
    assert_eq!(plan.cluster.fargate_profile_of(&web), Some(0));
}

/// A built-in scenario with one text in place of another, as a file of its own.
fn changed(scenario: &str, name: &str, from: &str, to: &str) -> String {
    let built_in = library().iter().find(|built_in| built_in.name == scenario).expect("a built-in scenario");
    assert!(built_in.text.contains(from), "{from}");
    let file = format!("{}/{name}.toml", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&file, built_in.text.replacen(from, to, 1)).expect("the scratch folder");
    file
}

#[test]
fn a_bound_on_the_recovery_that_no_run_can_miss_is_warned_of() {
    for (bound, warns) in [("<= 50m", true), ("<= 49m", false), (">= 50m", false)] {
        let file = changed(
            "az-failure",
            "recovery",
            "\"workload.recovery\" = \"<= 10m\"",
            &format!("\"workload.recovery\" = \"{bound}\""),
        );
        let plan = load(&request(&file)).unwrap_or_else(|errors| panic!("{errors}"));
        let warned = plan.notes.iter().any(|note| note.text.contains("can never be missed: 50m are left"));
        assert_eq!(warned, warns, "{bound}: {:?}", plan.notes);
    }
}

#[test]
fn nobody_changes_a_cluster_that_is_not_there_yet() {
    let asked = "created = true\nautoscaler = { kind = \"cluster-autoscaler\" }";
    let file = changed("create-managed", "too-early", "created = true", asked);
    let errors = load(&request(&file)).expect_err("an autoscaler too early").to_string();
    assert!(errors.contains("autoscaler: cannot stand beside created = true"), "{errors}");
}
