//! The network: a drawing of the VPC at the moments that matter, each client with its place and its way, and whose way was
//! closed for how long.

use super::{case_name, drawing};
use crate::Document;
use crate::paths;
use crate::places;
use crate::text::harmless;
use serde::Serialize;

#[derive(Serialize)]
pub struct NetworkPage {
    facts: Vec<(&'static str, String)>,
    drawings: Vec<Moment>,
    places: Vec<Places>,
}

#[derive(Serialize)]
struct Moment {
    title: String,
    svg: String,
    closed: Vec<String>,
}

/// The clients of one run.
#[derive(Serialize)]
struct Places {
    label: String,
    open: bool,
    heads: [&'static str; 8],
    rows: Vec<[String; 8]>,
    closed: Vec<String>,
}

/// The network of a document; `None` where no run tells of it.
pub fn network(document: &Document) -> Option<NetworkPage> {
    let told = document.records.iter().any(|record| !record.places.is_empty() || record.network.is_some());
    told.then(|| NetworkPage {
        facts: paths::network_facts(&document.plan),
        drawings: drawings(document),
        places: places_of(document),
    })
}

fn drawings(document: &Document) -> Vec<Moment> {
    let plan = &document.plan;
    let moments = document.records.iter().find_map(|record| record.network.as_ref()).map(|network| &network.moments);
    let of = |moment: &sim_eks::record::NetworkMoment| {
        let drawn = drawing::draw(plan, moment);
        Moment {
            title: harmless(&format!(
                "At {}, {}: endpoint access {}",
                crate::story::clock(moment.at),
                moment.called,
                moment.access
            )),
            svg: drawn.svg,
            closed: drawn.closed.iter().map(|text| harmless(text)).collect(),
        }
    };
    moments.into_iter().flatten().map(of).collect()
}

fn places_of(document: &Document) -> Vec<Places> {
    let telling = crate::story::telling_case(&document.findings);
    let of = |(at, record): (usize, &sim_eks::Record)| Places {
        label: case_name(document, at),
        open: at == telling,
        heads: places::HEADS,
        rows: record.places.iter().map(places::cells).collect(),
        closed: places::closed_ways(&document.plan, record),
    };
    document.records.iter().enumerate().map(of).collect()
}
