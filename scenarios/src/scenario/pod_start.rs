//! How the pods of a workload start and end: their images, init containers, readiness probe and grace.

use super::fields::{Errors, Fields};
use super::quantity::{parse_memory, show_memory};
use super::tree::quoted;
use sim_eks::plan::{Deployment, Image, InitContainer, PodStart, PodStop, Readiness, Registry};
use sim_eks::quantity::parse_duration;
use sim_kernel::SimDuration;

/// How often a readiness probe asks. Source: Kubernetes API, SetDefaults_Probe, documented.
const PROBE_PERIOD: SimDuration = SimDuration::from_secs(10);

/// Reads how the pods of a deployment start and end.
pub(crate) fn pod_start(fields: &Fields, errors: &mut Errors) -> PodStart {
    let image = image(fields);
    let init_containers = init_containers(fields, &image, errors);
    PodStart { image, init_containers, readiness: readiness(fields), stop: stop(fields, errors) }
}

/// Reads the image of a workload.
pub(crate) fn image(fields: &Fields) -> Image {
    Image {
        name: fields.text("image").cloned(),
        size_mib: fields.count("image_size").copied(),
        registry: match fields.text("registry").map(String::as_str) {
            Some("public") => Registry::Public,
            _ => Registry::Ecr,
        },
        always: fields.text("image_pull_policy").is_some_and(|policy| policy == "Always"),
    }
}

/// Reads how long each init container runs, with its image and that one's size where they are its own.
fn init_containers(fields: &Fields, own: &Image, errors: &mut Errors) -> Vec<InitContainer> {
    let mut found = Vec::new();
    for (index, placed) in fields.texts("init_containers").into_iter().flatten().enumerate() {
        match init_container(&placed.text, own) {
            Some(init) => found.push(init),
            None => {
                let problem = format!(
                    "found {}; wanted is how long it runs, and its image and the size of that if it is another one, such as \"30s\" or \"30s migrate 200Mi\"",
                    quoted(&placed.text)
                );
                errors.add(placed.line, format!("{}[{index}]", fields.field("init_containers")), problem);
            }
        }
    }
    found
}

fn init_container(text: &str, own: &Image) -> Option<InitContainer> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (runs, image) = match words[..] {
        [runs] => (runs, None),
        [runs, name] => (runs, Some((name, None))),
        [runs, name, size] => (runs, Some((name, Some(parse_memory(size).ok()?)))),
        _ => return None,
    };
    let image = image.map(|(name, size_mib)| Image { name: Some(name.to_owned()), size_mib, ..own.clone() });
    Some(InitContainer { runs: parse_duration(runs).ok()?, image })
}

fn readiness(fields: &Fields) -> Option<Readiness> {
    let keys = ["answers_after", "readiness_initial_delay", "readiness_period"];
    let [answers_after, initial_delay, period] = keys.map(|key| fields.duration(key).copied());
    answers_after.or(initial_delay).or(period)?;
    Some(Readiness {
        answers_after: answers_after.unwrap_or(SimDuration::ZERO),
        initial_delay: initial_delay.unwrap_or(SimDuration::ZERO),
        period: period.filter(|period| *period > SimDuration::ZERO).unwrap_or(PROBE_PERIOD),
    })
}

fn stop(fields: &Fields, errors: &mut Errors) -> PodStop {
    let [pre_stop, ends_after, grace] =
        ["pre_stop", "ends_after", "termination_grace"].map(|key| fields.duration(key).copied());
    if pre_stop.is_some() && ends_after.is_none() {
        let problem = "has no effect without ends_after: the pod takes its whole grace";
        errors.add(fields.line_of("pre_stop"), fields.field("pre_stop"), problem);
    }
    PodStop { pre_stop: pre_stop.unwrap_or(SimDuration::ZERO), ends_after, grace }
}

/// Notes workloads of the file that name one image and mean two.
pub(crate) fn check_shared(file: &Fields, deployments: &[Deployment], errors: &mut Errors) {
    let mut known: Vec<&Image> = Vec::new();
    let listed = file.tables("deployments").into_iter().flatten();
    if listed.clone().count() != deployments.len() {
        return; // those that could not be read are told of
    }
    for (fields, deployment) in listed.zip(deployments) {
        let start = &deployment.control.start;
        let inits = start.init_containers.iter().filter_map(|init| init.image.as_ref());
        let images = inits.map(|image| ("init_containers", image)).chain([("image", &start.image)]);
        for (key, image) in images.filter(|(_, image)| image.name.is_some()) {
            let is_other = |other: &&Image| (other.size_mib, other.registry) != (image.size_mib, image.registry);
            match known.iter().find(|other| other.name == image.name).copied() {
                Some(other) if is_other(&other) => refuse_other(fields, key, image, other, errors),
                Some(_) => {}
                None => known.push(image),
            }
        }
    }
}

fn refuse_other(fields: &Fields, key: &str, image: &Image, other: &Image, errors: &mut Errors) {
    let name = image.name.as_deref().unwrap_or_default();
    let size = other.size_mib.map_or("the usual size".to_owned(), show_memory);
    let problem = format!("the image {} stands above too, with another size or registry (there: {size})", quoted(name));
    errors.add(fields.line_of(key), fields.field(key), problem);
}
