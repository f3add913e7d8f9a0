//! `[bandwidth]`, `[speed_class]`, `[customer]` and `[[customer_rule]]`: how fast SIMs and customers may be.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use upf_common::abi::MAX_CLASSES;
use upf_common::meter::DEFAULT_DEPTH_NS;

use super::each;
use super::gtpu::{duration, within};
use super::reader::{Place, Section};
use crate::bandwidth::{
    ClassId, CustomerId, CustomerRule, DEPTHS, Imsi, MAX_CUSTOMERS, Rate, SpeedClass, SpeedLimit,
    is_name,
};

/// Rules at most.
const MAX_RULES: usize = 1024;
const NAME: &str = "a name has 1 to 63 letters, digits, dots, hyphens and underscores";

/// What the file says of bandwidth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bandwidth {
    /// Whether limits of QERs mark packets of ECN-capable transports before they drop any.
    pub ecn: bool,
    /// By [`ClassId`] less one.
    pub classes: Vec<SpeedClass>,
    /// The class of SIMs that were given none.
    pub default_class: Option<ClassId>,
    /// Customers in the order of the file, with their limits.
    pub customers: Vec<(CustomerId, SpeedLimit)>,
    /// SIMs that are a customer's; the first that fits decides.
    pub rules: Vec<CustomerRule>,
}

impl Default for Bandwidth {
    fn default() -> Self {
        Self {
            ecn: true,
            classes: Vec::new(),
            default_class: None,
            customers: Vec::new(),
            rules: Vec::new(),
        }
    }
}

impl Bandwidth {
    /// For people, a line each.
    pub(super) fn summary(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (number, SpeedClass { name, limit }) in (1..).zip(&self.classes) {
            let is_default = self.default_class == Some(ClassId(number));
            let default = if is_default { ", the default" } else { "" };
            lines.push(format!("class      {name}: {limit}{default}"));
        }
        for (customer, limit) in &self.customers {
            lines.push(format!("customer   {customer}: {limit}"));
        }
        let rules = self.rules.iter();
        lines.extend(rules.map(|rule| format!("customer   {}", Shown(rule))));
        lines
    }
}

struct Shown<'a>(&'a CustomerRule);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CustomerRule {
            customer,
            imsis,
            dnn,
        } = self.0;
        write!(f, "{customer}: SIMs")?;
        if let Some((first, last)) = imsis {
            write!(f, " {first} to {last}")?;
        }
        if let Some(dnn) = dnn {
            write!(f, " of {dnn}")?;
        }
        Ok(())
    }
}

/// `None` only where a problem has been reported.
pub(super) fn read(root: &Section<'_>) -> Option<Bandwidth> {
    let section = root.optional_section("bandwidth");
    let ecn = section
        .as_ref()
        .and_then(|section| section.optional_boolean("ecn"));
    let ecn = ecn.unwrap_or(true);
    let classes = read_classes(root, ecn);
    let default_class = read_default_class(section.as_ref(), classes.as_deref());
    let customers = read_customers(root, ecn);
    let rules = read_rules(root, customers.as_deref());
    if let Some(section) = section {
        section.finish();
    }
    Some(Bandwidth {
        ecn,
        classes: classes?,
        default_class: default_class?,
        customers: customers?,
        rules: rules?,
    })
}

/// The outer `None` is a problem, the inner one an absent key.
fn read_default_class(
    section: Option<&Section<'_>>,
    classes: Option<&[SpeedClass]>,
) -> Option<Option<ClassId>> {
    let Some(section) = section else {
        return Some(None);
    };
    let Some(name) = section.optional_text("default_class", "basic") else {
        return Some(None);
    };
    let mut named = (1..).map(ClassId).zip(classes?);
    let found = named.find(|(_, class)| &*class.name == name);
    if found.is_none() {
        let message = format!("there is no speed class \"{name}\"; add [speed_class.\"{name}\"]");
        section.problem("default_class", message);
    }
    Some(Some(found?.0))
}

fn read_classes(root: &Section<'_>, ecn: bool) -> Option<Vec<SpeedClass>> {
    let sections = root.named_sections("speed_class");
    // Number 0 is no class.
    if let Some((_, section)) = sections.get(MAX_CLASSES - 1) {
        let most = MAX_CLASSES - 1;
        section.problem_here(format!(
            "there are more than {most} speed classes; leave some out"
        ));
        return None;
    }
    let classes = sections.iter().map(|(name, section)| {
        let limit = read_limit(section, ecn);
        let name = read_name(section, name);
        Some(SpeedClass {
            name: name?,
            limit: limit?,
        })
    });
    // Collected first, so that all are looked at.
    classes.collect::<Vec<_>>().into_iter().collect()
}

fn read_customers(root: &Section<'_>, ecn: bool) -> Option<Vec<(CustomerId, SpeedLimit)>> {
    let sections = root.named_sections("customer");
    if let Some((_, section)) = sections.get(MAX_CUSTOMERS) {
        section.problem_here(format!(
            "there are more than {MAX_CUSTOMERS} customers; leave some out"
        ));
        return None;
    }
    let customers = sections.iter().map(|(name, section)| {
        let limit = read_limit(section, ecn);
        let name = read_name(section, name);
        Some((CustomerId(name?), limit?))
    });
    customers.collect::<Vec<_>>().into_iter().collect()
}

fn read_name(section: &Section<'_>, name: &str) -> Option<Arc<str>> {
    if !is_name(name) {
        section.problem_here(format!("{NAME}; write one like \"s1.slow\""));
        return None;
    }
    Some(name.into())
}

fn read_limit(section: &Section<'_>, ecn: bool) -> Option<SpeedLimit> {
    let uplink = read_rate(section, "uplink");
    let downlink = read_rate(section, "downlink");
    let depth = read_depth(section);
    let own_ecn = section.optional_boolean("ecn");
    section.finish();
    Some(SpeedLimit {
        uplink_bps: uplink?.map(Rate::bits),
        downlink_bps: downlink?.map(Rate::bits),
        depth: depth?,
        ecn: own_ecn.unwrap_or(ecn),
    })
}

/// The outer `None` is a problem, the inner one an absent key.
fn read_rate(section: &Section<'_>, key: &'static str) -> Option<Option<Rate>> {
    const EXAMPLE: &str = "128 kbit/s";
    let Some(text) = section.optional_text(key, EXAMPLE) else {
        return Some(None);
    };
    match text.parse() {
        Ok(rate) => Some(Some(rate)),
        Err(error) => {
            let message = format!("\"{text}\": {error}; write one like \"{EXAMPLE}\"");
            section.problem(key, message);
            None
        }
    }
}

fn read_depth(section: &Section<'_>) -> Option<Duration> {
    const KEY: &str = "depth";
    const EXAMPLE: &str = "50 ms";
    let Some(text) = section.optional_text(KEY, EXAMPLE) else {
        return Some(Duration::from_nanos(DEFAULT_DEPTH_NS));
    };
    let Some(depth) = duration(text) else {
        let message = format!("\"{text}\" is no time; write one like \"{EXAMPLE}\"");
        section.problem(KEY, message);
        return None;
    };
    within(section, KEY, depth, DEPTHS, "1 ms to 60 s")
}

fn read_rules(
    root: &Section<'_>,
    customers: Option<&[(CustomerId, SpeedLimit)]>,
) -> Option<Vec<CustomerRule>> {
    let sections = root.sections("customer_rule");
    if let Some(section) = sections.get(MAX_RULES) {
        section.problem_here(format!(
            "there are more than {MAX_RULES} rules; leave some out"
        ));
        return None;
    }
    let rules: Vec<_> = sections
        .iter()
        .map(|section| read_rule(section, customers))
        .collect();
    rules.into_iter().collect()
}

fn read_rule(
    section: &Section<'_>,
    customers: Option<&[(CustomerId, SpeedLimit)]>,
) -> Option<CustomerRule> {
    let customer = section.text("customer", "acme");
    let imsis = read_imsis(section);
    let dnn = section.optional_text("dnn", "iot.acme");
    section.finish();
    let (customer, imsis) = (customer?, imsis?);
    let mut known = customers?.iter();
    let Some((id, _)) = known.find(|(id, _)| &*id.0 == customer) else {
        let message = format!("there is no customer \"{customer}\"; add [customer.\"{customer}\"]");
        section.problem("customer", message);
        return None;
    };
    if imsis.is_none() && dnn.is_none() {
        let message = "a rule has to say which SIMs it is for; \
                       write imsi = [\"001010000000000\", \"001010000099999\"], dnn = \"iot.acme\" or both";
        section.problem_here(message);
        return None;
    }
    if dnn == Some("") {
        section.problem("dnn", "a DNN has a name; write one like \"iot.acme\"");
        return None;
    }
    Some(CustomerRule {
        customer: id.clone(),
        imsis,
        dnn: dnn.map(Box::from),
    })
}

/// First and last, or one. The outer `None` is a problem, the inner one an absent key.
fn read_imsis(section: &Section<'_>) -> Option<Option<(Imsi, Imsi)>> {
    const KEY: &str = "imsi";
    let imsi = |place: &Place, text: &str| read_imsi(section, place, text);
    let imsis = each(section, KEY, "001010000000000", imsi)?;
    let problem = |message: String| {
        section.problem(KEY, message);
        None
    };
    match imsis[..] {
        [] if section.has(KEY) => {
            problem("the list is empty; write one IMSI, or the first and the last".to_owned())
        }
        [] => Some(None),
        [one] => Some(Some((one, one))),
        [first, last] if first.digits() != last.digits() => problem(format!(
            "{first} and {last} have different lengths; write a rule for each length"
        )),
        [first, last] if first > last => problem(format!(
            "{first} comes after {last}; write [\"{last}\", \"{first}\"]"
        )),
        [first, last] => Some(Some((first, last))),
        _ => problem("there are more than two; write the first and the last".to_owned()),
    }
}

fn read_imsi(section: &Section<'_>, place: &Place, text: &str) -> Option<Imsi> {
    let imsi = text.parse::<Imsi>();
    if let Err(error) = &imsi {
        let message = format!("\"{text}\" is none: {error}; write one like \"001010000000001\"");
        section.problem_at(place, message);
    }
    imsi.ok()
}
