//! Admission webhooks: what they review, where they run, and what holds when they do not answer.

use super::fields::{Errors, Fields};
use super::steps;
use super::tree::quoted;
use sim_eks::plan::{Deployment, Webhook, WebhookRules};
use sim_eks::quantity::show_duration;
use sim_kernel::SimDuration;

/// Most webhooks of a cluster: more than any cluster has, and few enough for a byte.
const MOST: usize = 100;

/// What Kubernetes allows for the time-out of a webhook. Source: the API's documentation, `timeoutSeconds`.
const TIMEOUTS: (SimDuration, SimDuration) = (SimDuration::from_secs(1), SimDuration::from_secs(30));

/// Reads the webhooks; what is wrong is noted.
pub(crate) fn resolve(file: &Fields, deployments: &[Deployment], errors: &mut Errors) -> Vec<Webhook> {
    let tables = file.tables("webhooks").map_or(&[][..], Vec::as_slice);
    if tables.len() > MOST {
        errors.add(file.line_of("webhooks"), "webhooks", format!("found {}; at most {MOST} are allowed", tables.len()));
        return Vec::new();
    }
    let mut webhooks: Vec<Webhook> = Vec::new();
    for fields in tables {
        let Some(webhook) = webhook(fields, deployments, errors) else { continue };
        if webhooks.iter().any(|other| other.name == webhook.name) {
            let problem = format!("there is another webhook {}", quoted(&webhook.name));
            errors.add(fields.line_of("name"), fields.field("name"), problem);
        }
        webhooks.push(webhook);
    }
    webhooks
}

fn webhook(fields: &Fields, deployments: &[Deployment], errors: &mut Errors) -> Option<Webhook> {
    let timeout = *fields.duration("timeout")?;
    if !(TIMEOUTS.0..=TIMEOUTS.1).contains(&timeout) {
        let problem = format!("found {}; Kubernetes allows 1s to 30s", show_duration(timeout));
        errors.add(fields.line_of("timeout"), fields.field("timeout"), problem);
    }
    let deployment = match fields.text("deployment") {
        Some(_) => Some(steps::deployment(fields, deployments, errors)?),
        None => None,
    };
    let exempts_itself = *fields.flag("exempts_itself")?;
    if exempts_itself && deployment.is_none() && !fields.is_spoilt("deployment") {
        let problem = "has no meaning without deployment: it has no pods in the cluster";
        errors.add(fields.line_of("exempts_itself"), fields.field("exempts_itself"), problem);
    }
    Some(Webhook {
        name: fields.text("name")?.clone(),
        rules: if fields.text("reviews")? == "all" { WebhookRules::All } else { WebhookRules::Pods },
        deployment,
        port: *fields.count("port")? as u16,
        exempts_itself,
        timeout,
        ignores_failure: fields.text("failure_policy")? == "Ignore",
    })
}
