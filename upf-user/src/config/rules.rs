//! `[[predefined_rule]]` and `[[forwarding_policy]]`: what control planes refer to by a name.

use std::collections::HashMap;
use std::fmt;

use super::reader::{Place, Section};
use super::{Interface, Placed, each, same_network_instance};
use crate::session::is_flow_description;

/// Names are octet strings of PFCP; these are enough.
const MAX_NAME: usize = 255;
/// Numbers of rules and policies have 16 bits.
const MAX_COUNT: usize = 1024;
/// Flow descriptions of one rule.
const MAX_FILTERS: usize = 64;
/// MBRs have 40 bits in PFCP (TS 29.244 clause 8.2.8).
const MAX_KBPS: i64 = (1 << 40) - 1;

/// `[[predefined_rule]]`: rules that a control plane activates for a PDR by their name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PredefinedRule {
    /// Name.
    pub name: String,
    /// The lower, the earlier; that of the PDR without.
    pub precedence: Option<u32>,
    /// Flow descriptions, as in SDF filters; without any the rule is for what the PDR is for.
    pub filters: Vec<String>,
    /// What is done with packets that match.
    pub action: RuleAction,
    /// MBR from the UE, kbit/s (1000 bit/s).
    pub uplink_kbps: Option<u64>,
    /// MBR to the UE, kbit/s.
    pub downlink_kbps: Option<u64>,
}

/// What a predefined rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RuleAction {
    /// What the FAR of the PDR says.
    #[default]
    Forward,
    /// Drop.
    Drop,
}

/// `[[forwarding_policy]]`: where a FAR sends packets by the name of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardingPolicy {
    /// Name: Forwarding Policy Identifier.
    pub name: String,
    /// The network instance that the packets go to, instead of the FAR's.
    pub network_instance: String,
}

impl fmt::Display for PredefinedRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = match self.action {
            RuleAction::Forward => "forward",
            RuleAction::Drop => "drop",
        };
        write!(f, "{}: {action}, {} filters", self.name, self.filters.len())
    }
}

impl fmt::Display for ForwardingPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: to {}", self.name, self.network_instance)
    }
}

pub(super) fn values<T>(placed: Vec<Placed<'_, T>>) -> Vec<T> {
    placed.into_iter().map(|placed| placed.value).collect()
}

pub(super) fn read_predefined_rules(root: &Section<'_>) -> Option<Vec<PredefinedRule>> {
    let sections = root.sections("predefined_rule");
    let rules: Vec<_> = sections.into_iter().map(read_predefined_rule).collect();
    let rules = rules.into_iter().collect::<Option<Vec<_>>>()?;
    check_names(&rules, |rule| &rule.name);
    Some(values(rules))
}

pub(super) fn read_forwarding_policies<'a>(
    root: &Section<'a>,
) -> Option<Vec<Placed<'a, ForwardingPolicy>>> {
    let sections = root.sections("forwarding_policy");
    let policies: Vec<_> = sections.into_iter().map(read_forwarding_policy).collect();
    let policies = policies.into_iter().collect::<Option<Vec<_>>>()?;
    check_names(&policies, |policy| &policy.name);
    Some(policies)
}

/// A policy leads where a device leads.
pub(super) fn check(
    policies: &[Placed<'_, ForwardingPolicy>],
    interfaces: &[Placed<'_, Interface>],
) {
    for Placed { section, value } in policies {
        let leads_there = |interface: &Placed<'_, Interface>| {
            let name = interface.value.network_instance.as_deref();
            name.is_some_and(|name| same_network_instance(name, &value.network_instance))
        };
        if !interfaces.iter().any(leads_there) {
            let message = format!(
                "no interface leads to \"{0}\"; write network_instance = \"{0}\" on the device towards it",
                value.network_instance
            );
            section.problem("network_instance", message);
        }
    }
}

fn read_predefined_rule(section: Section<'_>) -> Option<Placed<'_, PredefinedRule>> {
    let name = read_name(&section, "gold");
    let precedence = read_number(&section, "precedence", "100", i64::from(u32::MAX));
    let example = "permit out 17 from 192.0.2.0/24 5060 to assigned";
    let filters = each(&section, "filters", example, |place, text| {
        read_filter(&section, place, text)
    });
    let action = match section.optional_text("action", "forward") {
        None | Some("forward") => Some(RuleAction::Forward),
        Some("drop") => Some(RuleAction::Drop),
        Some(text) => {
            let message = format!("\"{text}\" is no action; write forward or drop");
            section.problem("action", message);
            None
        }
    };
    let uplink = read_number(&section, "uplink_kbps", "1_000", MAX_KBPS);
    let downlink = read_number(&section, "downlink_kbps", "10_000", MAX_KBPS);
    section.finish();
    let filters = filters?;
    if filters.len() > MAX_FILTERS {
        let message = format!("there are more than {MAX_FILTERS} filters; write fewer");
        section.problem("filters", message);
        return None;
    }
    let value = PredefinedRule {
        name: name?,
        // It fits, as read_number has checked.
        precedence: precedence?.and_then(|number| u32::try_from(number).ok()),
        filters,
        action: action?,
        uplink_kbps: uplink?,
        downlink_kbps: downlink?,
    };
    Some(Placed { section, value })
}

fn read_forwarding_policy(section: Section<'_>) -> Option<Placed<'_, ForwardingPolicy>> {
    let name = read_name(&section, "firewall");
    let network_instance = section.text("network_instance", "internet");
    section.finish();
    let value = ForwardingPolicy {
        name: name?,
        network_instance: network_instance?.to_owned(),
    };
    Some(Placed { section, value })
}

fn read_name(section: &Section<'_>, example: &str) -> Option<String> {
    let name = section.text("name", example)?;
    if name.is_empty() || name.len() > MAX_NAME {
        let message = format!("a name has 1 to {MAX_NAME} octets; write one like \"{example}\"");
        section.problem("name", message);
        return None;
    }
    Some(name.to_owned())
}

fn read_filter(section: &Section<'_>, place: &Place, text: &str) -> Option<String> {
    if is_flow_description(text) {
        return Some(text.to_owned());
    }
    let message = format!(
        "\"{text}\" is no flow description; write one like \
         \"permit out 17 from 192.0.2.0/24 5060 to assigned\""
    );
    section.problem_at(place, message);
    None
}

/// The outer `None` is a problem, the inner one an absent key.
fn read_number(
    section: &Section<'_>,
    key: &'static str,
    example: &str,
    most: i64,
) -> Option<Option<u64>> {
    let Some(number) = section.optional_integer(key, example) else {
        return Some(None);
    };
    match u64::try_from(number) {
        Ok(value) if number <= most => Some(Some(value)),
        _ => {
            let message = format!("{number} is out of range; write a number from 0 to {most}");
            section.problem(key, message);
            None
        }
    }
}

fn check_names<T>(placed: &[Placed<'_, T>], name: impl Fn(&T) -> &String) {
    let mut first_lines: HashMap<&str, usize> = HashMap::new();
    for Placed { section, value } in placed {
        let line = section.line_of("name");
        let name = name(value);
        if let Some(first) = first_lines.get(name.as_str()) {
            let message = format!("\"{name}\" stands on line {first} already; write another name");
            section.problem("name", message);
        } else {
            first_lines.insert(name, line);
        }
    }
    if let Some(first_too_many) = placed.get(MAX_COUNT) {
        let message = format!("there are more than {MAX_COUNT} of them; leave some out");
        first_too_many.section.problem("name", message);
    }
}
