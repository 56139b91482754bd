//! A drawing of the VPC at one moment: zones as columns, API servers and the load balancer above, clients between, and the
//! subnets below; the ways to the API endpoint in force as lines, public ones plain, private ones double, closed ones
//! dashed with a number that the list under the drawing explains.
//!
//! Lines have lanes of their own: in each column two at the left for ways out of the VPC and one at the right for ways to
//! the interfaces of EKS; and a bus between each two rows. So no line crosses a box.

use crate::text::{cut, xml};
use sim_eks::plan::{ClientPlace, Family, Network, Plan, ZoneId};
use sim_eks::record::NetworkMoment;
use sim_eks::{Flow, Path};
use std::fmt::Write;

const WIDTH: f64 = 1000.0;
const BOX: f64 = 22.0;
const GAP: f64 = 6.0;
const CLIENT_WIDTH: f64 = 176.0;

/// A drawing, and what its numbers mean.
pub struct Drawing {
    /// The SVG element.
    pub svg: String,
    /// The closed ways, in the order of their numbers.
    pub closed: Vec<String>,
}

/// Draws the VPC of a plan as it stood at a moment.
pub fn draw(plan: &Plan, moment: &NetworkMoment) -> Drawing {
    let mut sheet = Sheet::new(plan, moment);
    sheet.control_plane();
    sheet.outside();
    sheet.vpc();
    sheet.ways();
    sheet.finish()
}

/// The name of the zone that a path's nodes are in, as the model writes it.
fn zone_name(plan: &Plan, zone: ZoneId) -> &str {
    plan.cluster.zones.get(zone.index()).map_or("?", |zone| zone.name.as_str())
}

/// Where lines meet things.
#[derive(Clone, Copy, Default)]
struct Spot {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Spot {
    fn middle(self) -> f64 {
        (self.top + self.bottom) / 2.0
    }
    fn centre(self) -> f64 {
        (self.left + self.right) / 2.0
    }
}

/// Who a way begins at.
struct Source {
    name: String,
    at: Spot,
    /// Its zone; `None` outside the VPC.
    zone: Option<ZoneId>,
    /// Whether it is in a connected network.
    connected: bool,
    ways: Vec<Path>,
}

struct Sheet<'a> {
    plan: &'a Plan,
    network: &'a Network,
    moment: &'a NetworkMoment,
    zones: Vec<ZoneId>,
    back: String,
    lines: Vec<(&'static str, String)>,
    front: String,
    /// Those that live: no way in force ends at a dead one.
    servers: Vec<(ZoneId, Spot)>,
    balancers: Vec<(ZoneId, Spot)>,
    interfaces: Vec<(usize, Spot)>,
    gateways: Vec<(usize, Spot)>,
    igw: Spot,
    sources: Vec<Source>,
    closed: Vec<String>,
    /// The bus under the load balancer, that under the VPC's upper edge, that over and that under the interfaces, and that
    /// between the rows of subnets.
    buses: [f64; 5],
    y: f64,
}

impl<'a> Sheet<'a> {
    fn new(plan: &'a Plan, moment: &'a NetworkMoment) -> Self {
        let known = |zone: &ZoneId| {
            plan.cluster.zones[zone.index()].in_cluster
                || moment.servers.iter().any(|(at, _)| at == zone)
                || moment.balancer.contains(zone)
        };
        Sheet {
            plan,
            network: &plan.cluster.network,
            moment,
            zones: (0..plan.cluster.zones.len() as u8).map(ZoneId).filter(known).collect(),
            back: String::new(),
            lines: Vec::new(),
            front: String::new(),
            servers: Vec::new(),
            balancers: Vec::new(),
            interfaces: Vec::new(),
            gateways: Vec::new(),
            igw: Spot::default(),
            sources: Vec::new(),
            closed: Vec::new(),
            buses: [0.0; 5],
            y: 4.0,
        }
    }

    fn column(&self, zone: ZoneId) -> (f64, f64) {
        let width = (WIDTH - 16.0) / self.zones.len().max(1) as f64;
        let at = self.zones.iter().position(|known| *known == zone).unwrap_or(0);
        (8.0 + at as f64 * width, width)
    }

    fn area(&mut self, class: &str, [x, y, width, height]: [f64; 4]) {
        let _ = write!(
            self.back,
            "<rect class=\"{class}\" x=\"{x:.0}\" y=\"{y:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" rx=\"4\"/>"
        );
    }

    /// A text that fits into so many pixels; its whole in the tooltip where it was cut.
    fn text(&mut self, class: &str, x: f64, y: f64, width: f64, text: &str) {
        let shown = cut(text, (width / 6.1).max(3.0) as usize);
        let title = if shown == text { String::new() } else { format!("<title>{}</title>", xml(text)) };
        let _ = write!(self.front, "<text class=\"{class}\" x=\"{x:.0}\" y=\"{y:.0}\">{title}{}</text>", xml(&shown));
    }

    /// A box with a text; a dead one is dashed and struck.
    fn boxed(&mut self, class: &str, x: f64, y: f64, width: f64, text: &str, lives: bool) -> Spot {
        let class = if lives { class.to_owned() } else { format!("{class} dead") };
        let _ = write!(
            self.front,
            "<rect class=\"{class}\" x=\"{x:.0}\" y=\"{y:.0}\" width=\"{width:.0}\" height=\"{BOX:.0}\" rx=\"3\"/>"
        );
        let text = if lives { text.to_owned() } else { format!("✕ {text}") };
        self.text("label", x + 6.0, y + 15.0, width - 10.0, &text);
        Spot { left: x, right: x + width, top: y, bottom: y + BOX }
    }

    /// The API servers and the addresses of the load balancer, which AWS owns.
    fn control_plane(&mut self) {
        let top = self.y;
        self.area("owned", [2.0, top, WIDTH - 4.0, 112.0]);
        self.text("title", 10.0, top + 15.0, 420.0, "Control plane (in a VPC of AWS)");
        for zone in self.zones.clone() {
            let (x, width) = self.column(zone);
            let name = zone_name(self.plan, zone).to_owned();
            let name = if self.moment.dark.contains(&zone) { format!("{name}: no power") } else { name };
            self.text("zone", x + 10.0, top + 31.0, width - 20.0, &name);
            let here: Vec<bool> =
                self.moment.servers.iter().filter(|(at, _)| *at == zone).map(|(_, lives)| *lives).collect();
            for (n, lives) in here.iter().enumerate() {
                let share = (width - 20.0) / here.len() as f64;
                let spot =
                    self.boxed("server", x + 10.0 + n as f64 * share, top + 40.0, share - 4.0, "API server", *lives);
                if *lives {
                    self.servers.push((zone, spot));
                }
            }
            if self.moment.balancer.contains(&zone) {
                let dark = self.moment.dark.contains(&zone);
                let spot = self.boxed("balancer", x + 10.0, top + 82.0, width * 0.52, "NLB, public address", !dark);
                self.balancers.push((zone, spot));
            }
        }
        self.y = top + 112.0 + 14.0;
        self.buses[0] = top + 112.0 + 8.0;
    }

    /// Clients on the internet and in connected networks.
    fn outside(&mut self) {
        let top = self.y + 6.0;
        let clients = self.plan.clients.iter();
        let outside: Vec<_> =
            clients.filter(|client| !matches!(client.place, ClientPlace::Subnet { .. })).cloned().collect();
        let in_a_row = ((WIDTH - 90.0) / (CLIENT_WIDTH + GAP)) as usize;
        for (n, client) in outside.iter().enumerate() {
            let (row, place) = (n / in_a_row, n % in_a_row);
            let (x, y) = (80.0 + place as f64 * (CLIENT_WIDTH + GAP), top + row as f64 * (BOX + 10.0));
            let connected = matches!(client.place, ClientPlace::Connected { .. });
            let from = match &client.place {
                ClientPlace::Connected { network, .. } => {
                    self.network.connected.get(*network).map_or("?", |network| network.name.as_str())
                }
                _ => "internet",
            };
            let class = if connected { "client connected" } else { "client" };
            let at = self.boxed(class, x, y, CLIENT_WIDTH, &format!("{} ({from})", client.name), true);
            self.add_source(&client.name, at, None, connected);
        }
        let rows = outside.len().div_ceil(in_a_row).max(1);
        self.y = top + rows as f64 * (BOX + 10.0) + 16.0;
    }

    fn add_source(&mut self, name: &str, at: Spot, zone: Option<ZoneId>, connected: bool) {
        let of = |path: &&Path| path.from == name && path.flow == Flow::Endpoint;
        let ways: Vec<Path> = self.moment.paths.iter().filter(of).cloned().collect();
        self.sources.push(Source { name: name.to_owned(), at, zone, connected, ways });
    }

    /// The VPC: its gateway, the interfaces of EKS, and its subnets.
    fn vpc(&mut self) {
        let top = self.y;
        self.buses[1] = top + 22.0;
        self.buses[2] = top + 34.0;
        let strip = top + 42.0;
        self.buses[3] = strip + BOX + 8.0;
        for (n, interface) in self.moment.interfaces.iter().enumerate() {
            let (x, width) = self.column(interface.zone);
            let before = self.moment.interfaces[..n].iter().filter(|other| other.zone == interface.zone).count();
            let here = self.moment.interfaces.iter().filter(|other| other.zone == interface.zone).count();
            let share = (width - 44.0) / here as f64;
            let x = x + 22.0 + before as f64 * share;
            let text = format!("EKS interface {}", interface.address);
            let spot = self.boxed("interface", x, strip, share - 4.0, &text, interface.works);
            self.interfaces.push((n, spot));
        }
        let public = self.row(true, self.buses[3] + 10.0);
        self.buses[4] = public + 7.0;
        let bottom = self.row(false, public + 14.0);
        let endpoints: Vec<String> = self
            .network
            .vpc_endpoints
            .iter()
            .map(|service| match self.moment.endpoints_dead.contains(service) {
                true => format!("✕ {}", service.name()),
                false => service.name().to_owned(),
            })
            .collect();
        let endpoints = if endpoints.is_empty() { "none".to_owned() } else { endpoints.join(", ") };
        self.text("small", 14.0, bottom + 14.0, WIDTH - 28.0, &format!("VPC endpoints of AWS services: {endpoints}"));
        let height = bottom + 22.0 - top;
        let subnets = std::mem::take(&mut self.back);
        self.area("vpc", [2.0, top, WIDTH - 4.0, height]);
        self.back.push_str(&subnets);
        for zone in self.zones.clone().iter().skip(1) {
            let (x, _) = self.column(*zone);
            let _ = write!(
                self.back,
                "<line class=\"border\" x1=\"{x:.0}\" y1=\"{:.0}\" x2=\"{x:.0}\" y2=\"{:.0}\"/>",
                top + 38.0,
                bottom
            );
        }
        let (x, width) = self.zones.first().map_or((8.0, WIDTH), |zone| self.column(*zone));
        self.text(
            "title",
            (x + width * 0.66 + 12.0).max(130.0),
            top + 15.0,
            500.0,
            &format!("VPC {}", self.network.cidr),
        );
        let gateways = if self.network.family == Family::IPv6 { "internet gateways" } else { "internet gateway" };
        self.igw = self.boxed("gateway", 8.0, top - 11.0, 116.0, gateways, true);
        self.y = top + height + 6.0;
    }

    /// A row of subnets, public or private ones: its lower edge.
    fn row(&mut self, public: bool, top: f64) -> f64 {
        let mut lowest = top;
        for zone in self.zones.clone() {
            let mut y = top;
            for subnet in 0..self.network.subnets.len() {
                let planned = &self.network.subnets[subnet];
                if planned.zone == zone && planned.public == public {
                    y = self.subnet(subnet, y) + GAP;
                }
            }
            lowest = lowest.max(y - GAP);
        }
        lowest
    }

    fn subnet(&mut self, index: usize, top: f64) -> f64 {
        let network = self.network;
        let subnet = &network.subnets[index];
        let (column, width) = self.column(subnet.zone);
        let (x, width) = (column + 20.0, width - 34.0);
        let kind = if subnet.public { "public" } else { "private" };
        self.text("strong", x + 6.0, top + 14.0, width - 12.0, &format!("{kind} subnet {}", subnet.cidr));
        let free = self.moment.free_addresses.get(index).copied().unwrap_or_default();
        self.text("small", x + 6.0, top + 27.0, width - 12.0, &format!("{free} addresses free"));
        let mut y = top + 33.0;
        for (nat, gateway) in network.nat_gateways.iter().enumerate() {
            let here = gateway.subnet.map_or(subnet.public && gateway.zone == subnet.zone, |at| at == index);
            if here {
                let lives = self.moment.nat_lives.get(nat).copied().unwrap_or(true);
                let text = format!("NAT gateway {}", gateway.address);
                let spot = self.boxed("gateway", x + 6.0, y, width - 12.0, &text, lives);
                self.gateways.push((nat, spot));
                y += BOX + GAP;
            }
        }
        y = self.hosts(index, [x + 6.0, y, width - 12.0]);
        self.area(if subnet.public { "subnet public" } else { "subnet" }, [x, top, width, y - top]);
        y
    }

    /// The nodes and clients in a subnet: the lower edge of the last.
    fn hosts(&mut self, index: usize, [x, mut y, width]: [f64; 3]) -> f64 {
        let plan = self.plan;
        let zone = self.network.subnets[index].zone;
        let dark = self.moment.dark.contains(&zone);
        let groups: Vec<&str> = plan
            .cluster
            .node_groups
            .iter()
            .filter(|group| group.zones.iter().zip(&group.subnets).any(|(at, subnet)| *at == zone && *subnet == index))
            .map(|group| group.name.as_str())
            .collect();
        if !groups.is_empty() {
            let text = match groups.len() {
                1..=2 => format!("nodes of {}", groups.join(", ")),
                many => format!("nodes of {many} groups"),
            };
            let at = self.boxed("nodes", x, y, width, &text, !dark);
            y += BOX + GAP;
            let here = |path: &&Path| {
                let nodes = path.nodes.as_ref();
                nodes.is_some_and(|nodes| nodes.zone == zone && groups.contains(&nodes.group.as_str()))
            };
            let to_api = |path: &&Path| matches!(path.flow, Flow::Endpoint | Flow::Service);
            let ways: Vec<Path> = self.moment.paths.iter().filter(here).filter(to_api).cloned().collect();
            let name = format!("nodes in {}", zone_name(plan, zone));
            self.sources.push(Source { name, at, zone: Some(zone), connected: false, ways });
        }
        for client in &plan.clients {
            if matches!(&client.place, ClientPlace::Subnet { subnet, .. } if *subnet == index) {
                let at = self.boxed("client", x, y, width, &client.name, !dark);
                self.add_source(&client.name, at, Some(zone), false);
                y += BOX + GAP;
            }
        }
        y
    }

    /// The ways of all sources to the API.
    fn ways(&mut self) {
        for source in std::mem::take(&mut self.sources) {
            for path in &source.ways {
                match path.open {
                    true if path.way.iter().any(|hop| hop.name.contains("interface")) => self.private_way(&source),
                    true => self.public_way(&source, path),
                    false => self.closed_way(&source, path),
                }
            }
        }
    }

    fn private_way(&mut self, source: &Source) {
        let working: Vec<(usize, Spot)> =
            self.interfaces.iter().copied().filter(|(n, _)| self.moment.interfaces[*n].works).collect();
        for (n, spot) in working {
            let to = spot.left + (spot.right - spot.left) * 0.62;
            match source.zone {
                Some(zone) => {
                    let (x, width) = self.column(zone);
                    let lane = x + width - 7.0;
                    let (from, bus) = (source.at, self.buses[3]);
                    self.line(
                        "private",
                        &[
                            (from.right, from.middle()),
                            (lane, from.middle()),
                            (lane, bus),
                            (to, bus),
                            (to, spot.bottom),
                        ],
                    );
                }
                None => {
                    let (from, bus, to) = (source.at, self.buses[2], spot.left + 12.0);
                    self.line(
                        "private",
                        &[(from.centre(), from.bottom), (from.centre(), bus), (to, bus), (to, spot.top)],
                    );
                }
            }
            self.lead_to_server(n, (to, spot.top));
        }
    }

    /// From the upper edge of an interface to its API server, past the address of the load balancer.
    fn lead_to_server(&mut self, interface: usize, (x, top): (f64, f64)) {
        let interface = &self.moment.interfaces[interface];
        let (column, width) = self.column(interface.zone);
        let lane = x.max(column + width * 0.66);
        let Some((foot, server)) = self.living_server(interface.leads_to, lane) else { return };
        let (over, below) = (top - 2.0, server.bottom + 6.0);
        self.line("private", &[(x, top), (x, over), (lane, over), (lane, below), (foot, below), (foot, server.bottom)]);
    }

    /// The living API server of a zone that is nearest to an x, and where at its lower edge a line from there ends.
    fn living_server(&self, zone: ZoneId, x: f64) -> Option<(f64, Spot)> {
        let here = self.servers.iter().filter(|(at, _)| *at == zone);
        let feet = here.map(|(_, spot)| (x.clamp(spot.left + 8.0, spot.right - 8.0), *spot));
        feet.min_by(|(one, _), (other, _)| (one - x).abs().total_cmp(&(other - x).abs()))
    }

    fn public_way(&mut self, source: &Source, path: &Path) {
        let bus = self.buses[0];
        match source.zone {
            Some(zone) => {
                self.way_out(source, zone, path);
                let x = self.igw.centre();
                self.line("public", &[(x, self.igw.top), (x, bus)]);
            }
            None => {
                let from = source.at;
                self.line("public", &[(from.centre(), from.top), (from.centre(), bus)]);
            }
        }
        let start = if source.zone.is_some() { self.igw.centre() } else { source.at.centre() };
        for (zone, spot) in self.balancers.clone() {
            if self.moment.dark.contains(&zone) {
                continue;
            }
            self.line("public", &[(start, bus), (spot.centre(), bus), (spot.centre(), spot.bottom)]);
            let live = |server: &&(ZoneId, bool)| server.1;
            let near = self.moment.servers.iter().filter(live).find(|(at, _)| *at == zone);
            let Some((target, _)) = near.or_else(|| self.moment.servers.iter().find(live)) else { continue };
            let (x, width) = self.column(*target);
            let towards = if *target == zone { spot.centre() } else { x + width / 2.0 + 20.0 };
            if let Some((to, server)) = self.living_server(*target, towards) {
                let between = spot.top - 9.0;
                self.line(
                    "public",
                    &[(spot.centre(), spot.top), (spot.centre(), between), (to, between), (to, server.bottom)],
                );
            }
        }
    }

    /// From a host in a subnet to the internet gateway, through its NAT gateway if it has one.
    fn way_out(&mut self, source: &Source, zone: ZoneId, path: &Path) {
        let (column, _) = self.column(zone);
        let (from, bus) = (source.at, self.buses[1]);
        let gate = (self.igw.centre(), self.igw.bottom);
        let nat = path.way.iter().find(|hop| hop.name.contains("NAT")).and_then(|hop| {
            let at = self.network.nat_gateways.iter().position(|nat| nat.address.to_string() == hop.address)?;
            let (_, spot) = self.gateways.iter().find(|(nat, _)| *nat == at)?;
            Some((hop.zone?, *spot))
        });
        let Some((nat_zone, spot)) = nat else {
            let lane = column + 14.0;
            return self.line(
                "public",
                &[(from.left, from.middle()), (lane, from.middle()), (lane, bus), (gate.0, bus), gate],
            );
        };
        let lane = column + 6.0;
        let low = spot.bottom - 6.0;
        if nat_zone == zone {
            self.line("public", &[(from.left, from.middle()), (lane, from.middle()), (lane, low), (spot.left, low)]);
        } else {
            let (there, across) = (self.column(nat_zone).0 + 6.0, self.buses[4]);
            self.line(
                "public",
                &[
                    (from.left, from.middle()),
                    (lane, from.middle()),
                    (lane, across),
                    (there, across),
                    (there, low),
                    (spot.left, low),
                ],
            );
        }
        let (out, high) = (self.column(nat_zone).0 + 14.0, spot.top + 6.0);
        self.line("public", &[(spot.left, high), (out, high), (out, bus), (gate.0, bus), gate]);
    }

    /// A closed way: a dashed stub with a number, where the line would begin.
    fn closed_way(&mut self, source: &Source, path: &Path) {
        let what = match path.flow {
            Flow::Service => format!("pods on {}", source.name),
            _ => source.name.clone(),
        };
        let text = format!("{what} to the API: {}. To open: {}", path.decided_by, path.opened_by);
        let number = match self.closed.iter().position(|known| *known == text) {
            Some(at) => at + 1,
            None => {
                self.closed.push(text);
                self.closed.len()
            }
        };
        let is_private = path.flow == Flow::Service || path.way.iter().any(|hop| hop.name.contains("interface"));
        let from = source.at;
        let (start, end) = match (source.zone, is_private) {
            (Some(zone), true) => {
                let (x, width) = self.column(zone);
                ((from.right, from.middle()), (x + width - 7.0, from.middle()))
            }
            (Some(zone), false) => ((from.left, from.middle()), (self.column(zone).0 + 8.0, from.middle())),
            (None, _) if source.connected => ((from.centre(), from.bottom), (from.centre(), from.bottom + 9.0)),
            (None, _) => ((from.centre(), from.top), (from.centre(), from.top - 9.0)),
        };
        self.line("closed", &[start, end]);
        let (x, y) = end;
        let _ = write!(
            self.front,
            "<circle class=\"number\" cx=\"{x:.0}\" cy=\"{y:.0}\" r=\"8\"/><text class=\"number\" x=\"{x:.0}\" y=\"{:.0}\">{number}</text>",
            y + 4.0
        );
    }

    /// A line through points; one that is there already is not drawn again.
    fn line(&mut self, class: &'static str, points: &[(f64, f64)]) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.0},{y:.0}")).collect();
        let line = (class, points.join(" "));
        if !self.lines.contains(&line) {
            self.lines.push(line);
        }
    }

    /// All lines of a class; a double one is a wide line with a thin one of the background's colour in it.
    fn lines_of(&self, class: &str, drawn_as: &str) -> String {
        let lines = self.lines.iter().filter(|(of, _)| *of == class);
        lines.map(|(_, points)| format!("<polyline class=\"way {drawn_as}\" points=\"{points}\"/>")).collect()
    }

    fn finish(mut self) -> Drawing {
        let height = self.y + 26.0;
        let y = height - 10.0;
        let key = [
            ("public", 10.0, "way over public addresses"),
            ("private", 270.0, "private way, by an interface of EKS"),
            ("closed", 590.0, "closed: see the list"),
        ];
        for (class, x, text) in key {
            self.line(class, &[(x, y - 4.0), (x + 34.0, y - 4.0)]);
            self.text("small", x + 42.0, y, 300.0, text);
        }
        let kinds = [("public", "public"), ("private", "private"), ("private", "inner"), ("closed", "closed")];
        let lines = kinds.map(|(class, drawn_as)| self.lines_of(class, drawn_as));
        let svg = format!(
            "<svg class=\"vpc-drawing\" viewBox=\"0 0 {WIDTH:.0} {height:.0}\" role=\"img\" aria-label=\"The VPC and the ways to the API endpoint\" xmlns=\"http://www.w3.org/2000/svg\">{}{}{}</svg>",
            self.back,
            lines.concat(),
            self.front
        );
        Drawing { svg, closed: self.closed }
    }
}
