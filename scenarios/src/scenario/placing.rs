//! Where the pods of a deployment may and would rather run: node affinity, affinity between pods, spread, GPUs, gates.

use super::fields::{Errors, Fields, Placed};
use super::tree::quoted;
use crate::problem::did_you_mean;
use sim_eks::plan::{Deployment, NodeRequirement, Operator, Placing, PodTerm, Topology};
use std::str::FromStr;

/// Reads what a deployment says of where its pods run, but for its neighbours.
pub(crate) fn placing(fields: &Fields, errors: &mut Errors) -> Placing {
    let skew = |key| fields.count(key).map(|skew| *skew as u32);
    Placing {
        node_affinity: each(fields, "node_affinity", REQUIREMENT, requirement, errors),
        preferred_nodes: each(fields, "preferred_nodes", WISH, |text| weighted(text, requirement), errors),
        pod_terms: Vec::new(),
        zone_skew: skew("zone_skew"),
        host_skew: skew("host_skew"),
        gpus: fields.count("gpus").map_or(0, |gpus| *gpus as u32),
        gated_for: fields.duration("gated_for").copied(),
    }
}

const REQUIREMENT: &str =
    "\"key in a,b\", \"key notin a,b\", \"key exists\", \"key doesnotexist\", \"key gt 7\" or \"key lt 7\"";
const WISH: &str = "a weight of 1 to 100 and a requirement, such as \"50: role in a,b\"";
const TERM: &str = "a deployment of the file and \"zone\" or \"host\", such as \"cache zone\"";
const PREFERRED_TERM: &str =
    "a weight of 1 to 100, a deployment of the file and \"zone\" or \"host\", such as \"50: cache zone\"";

/// Reads each text of a list; what is wrong is noted.
fn each<T>(fields: &Fields, key: &str, wanted: &str, read: impl Fn(&str) -> Option<T>, errors: &mut Errors) -> Vec<T> {
    let mut found = Vec::new();
    for (index, placed) in fields.texts(key).into_iter().flatten().enumerate() {
        match read(&placed.text) {
            Some(value) => found.push(value),
            None => refuse(fields, key, index, placed, wanted, errors),
        }
    }
    found
}

fn refuse(fields: &Fields, key: &str, index: usize, placed: &Placed, wanted: &str, errors: &mut Errors) {
    let problem = format!("found {}; wanted is {wanted}", quoted(&placed.text));
    errors.add(placed.line, format!("{}[{index}]", fields.field(key)), problem);
}

fn requirement(text: &str) -> Option<NodeRequirement> {
    let mut words = text.split_whitespace();
    let (key, operator, rest) = (words.next()?.to_owned(), words.next()?, words.collect::<Vec<_>>().join(""));
    let values: Vec<String> = rest.split(',').filter(|value| !value.is_empty()).map(str::to_owned).collect();
    let is_number = values.len() == 1 && values[0].parse::<i64>().is_ok();
    let (operator, is_right) = match operator.to_ascii_lowercase().as_str() {
        "in" => (Operator::In, !values.is_empty()),
        "notin" => (Operator::NotIn, !values.is_empty()),
        "exists" => (Operator::Exists, values.is_empty()),
        "doesnotexist" => (Operator::DoesNotExist, values.is_empty()),
        "gt" => (Operator::Gt, is_number),
        "lt" => (Operator::Lt, is_number),
        _ => return None,
    };
    is_right.then_some(NodeRequirement { key, operator, values })
}

/// Reads a weight, a colon and the rest.
fn weighted<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<(u32, T)> {
    let (weight, rest) = text.split_once(':')?;
    let weight = u32::from_str(weight.trim()).ok().filter(|weight| (1..=100).contains(weight))?;
    Some((weight, read(rest.trim())?))
}

/// Reads the neighbours of all deployments, which name one another.
pub(crate) fn neighbours(file: &Fields, deployments: &mut [Deployment], errors: &mut Errors) {
    let names: Vec<String> = deployments.iter().map(|deployment| deployment.name.clone()).collect();
    for fields in file.tables("deployments").into_iter().flatten() {
        let own = |deployment: &&mut Deployment| {
            fields.text("name") == Some(&deployment.name) && fields.text("namespace") == Some(&deployment.namespace)
        };
        let mut terms = Vec::new();
        for (key, anti, is_preferred) in [
            ("pod_affinity", false, false),
            ("pod_anti_affinity", true, false),
            ("preferred_pod_affinity", false, true),
            ("preferred_pod_anti_affinity", true, true),
        ] {
            terms.extend(terms_of(fields, key, anti, is_preferred, &names, errors));
        }
        if let Some(deployment) = deployments.iter_mut().find(own) {
            deployment.control.placing.pod_terms = terms;
        }
    }
}

fn terms_of(
    fields: &Fields,
    key: &str,
    anti: bool,
    is_preferred: bool,
    names: &[String],
    errors: &mut Errors,
) -> Vec<PodTerm> {
    let mut terms = Vec::new();
    for (index, placed) in fields.texts(key).into_iter().flatten().enumerate() {
        let read = match is_preferred {
            true => weighted(&placed.text, near).map(|(weight, near)| (Some(weight), near)),
            false => near(&placed.text).map(|near| (None, near)),
        };
        let Some((weight, (name, topology))) = read else {
            let wanted = if is_preferred { PREFERRED_TERM } else { TERM };
            refuse(fields, key, index, placed, wanted, errors);
            continue;
        };
        match names.iter().position(|other| *other == name) {
            Some(to) => terms.push(PodTerm { to, topology, anti, weight }),
            None => {
                let hint = did_you_mean(&name, names.iter().map(String::as_str));
                let problem = format!("names {}, which is no deployment of the file{hint}", quoted(&name));
                errors.add(placed.line, format!("{}[{index}]", fields.field(key)), problem);
            }
        }
    }
    terms
}

fn near(text: &str) -> Option<(String, Topology)> {
    let (name, topology) = text.trim().rsplit_once(char::is_whitespace)?;
    let topology = match topology {
        "zone" => Topology::Zone,
        "host" => Topology::Host,
        _ => return None,
    };
    Some((name.trim().to_owned(), topology))
}
