//! What a request makes of a session's rules: pure, and nothing is kept of a request that is refused.

mod far;
mod filters;
mod mar;
mod pdr;
mod qer;
mod urr;
mod way;

use super::config::SessionsConfig;
use super::detection::EndMarker;
use super::model::{Families, MAX_BARS, Model, Rule, RuleSet};
use super::refusal::{no_room, refuse, refuse_rule};
use crate::datapath::slots::{Seat, Seating};
use crate::pfcp::ie::{self, Cause, FailedRule, kind};
use crate::pfcp::message::{
    CreateBar, CreateFar, CreateMar, CreatePdr, CreateQer, CreateTrafficEndpoint, CreateUrr,
    Refusal, SessionEstablishmentRequest, SessionModificationRequest,
};

/// The rules that a request asks for, before they are checked against each other.
#[derive(Debug, Default)]
pub(super) struct Requested {
    pub(super) model: Model,
    pub(super) left: LeftToUs,
    pub(super) removed: Removed,
    /// End markers that are owed when the change is in force.
    pub(super) end_markers: Vec<EndMarker>,
    /// With F-TEIDs that it had before our restart.
    pub(super) is_restoration: bool,
    /// The seats that it had before our restart, where we have kept them.
    pub(super) former: Vec<Seat>,
}

/// What the control plane left to us, in the order of the request.
#[derive(Debug, Default)]
pub(super) struct LeftToUs {
    pub(super) created_pdrs: Vec<Left<u16>>,
    pub(super) updated_pdrs: Vec<Left<u16>>,
    pub(super) endpoints: Vec<Left<u8>>,
}

/// What one rule left to us.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left<Id> {
    pub(super) id: Id,
    pub(super) f_teid: bool,
    pub(super) ue: Families,
}

/// What a request removed: a reference to such a rule is the removal's fault.
#[derive(Debug, Default)]
pub(super) struct Removed {
    pub(super) fars: Vec<u32>,
    pub(super) qers: Vec<u32>,
    pub(super) urrs: Vec<u32>,
    pub(super) bars: Vec<u8>,
}

/// Rules under construction.
struct Builder<'a> {
    config: &'a SessionsConfig,
    /// The F-TEIDs that the session has.
    current: &'a Seating,
    /// SDF filters that the request describes and gives an ID.
    described: Vec<&'a ie::SdfFilter>,
    is_restoration: bool,
    model: Model,
    left: LeftToUs,
    end_markers: Vec<EndMarker>,
}

/// The rules that a request creates.
struct Creations<'a> {
    pdrs: &'a [CreatePdr],
    fars: &'a [CreateFar],
    urrs: &'a [CreateUrr],
    qers: &'a [CreateQer],
    bars: &'a [CreateBar],
    mars: &'a [CreateMar],
    endpoints: &'a [CreateTrafficEndpoint],
}

/// The rules of a new session.
pub(super) fn establish(
    config: &SessionsConfig,
    request: &SessionEstablishmentRequest,
) -> Result<Requested, Refusal> {
    let nothing = Seating::default();
    let mut builder = Builder {
        config,
        current: &nothing,
        described: filters::described(&request.create_pdrs, &[]),
        is_restoration: request.is_restoration,
        model: Model::default(),
        left: LeftToUs::default(),
        end_markers: Vec::new(),
    };
    builder.create(&Creations {
        pdrs: &request.create_pdrs,
        fars: &request.create_fars,
        urrs: &request.create_urrs,
        qers: &request.create_qers,
        bars: &request.create_bars,
        mars: &request.create_mars,
        endpoints: &request.create_traffic_endpoints,
    })?;
    Ok(builder.finish(Removed::default()))
}

/// The rules of a session after a modification: removals, then creations, then updates.
pub(super) fn modify(
    config: &SessionsConfig,
    model: &Model,
    current: &Seating,
    request: &SessionModificationRequest,
) -> Result<Requested, Refusal> {
    check_queries(model, request)?;
    let mut builder = Builder {
        config,
        current,
        described: filters::described(&request.create_pdrs, &request.update_pdrs),
        is_restoration: false,
        model: model.clone(),
        left: LeftToUs::default(),
        end_markers: Vec::new(),
    };
    builder.remove(request)?;
    builder.create(&Creations {
        pdrs: &request.create_pdrs,
        fars: &request.create_fars,
        urrs: &request.create_urrs,
        qers: &request.create_qers,
        bars: &request.create_bars,
        mars: &request.create_mars,
        endpoints: &request.create_traffic_endpoints,
    })?;
    builder.update(request)?;
    Ok(builder.finish(Removed {
        fars: request.remove_fars.clone(),
        qers: request.remove_qers.clone(),
        urrs: request.remove_urrs.clone(),
        bars: request.remove_bars.clone(),
    }))
}

/// Query URR asks for rules of the session as it was (clause 5.2.2.2.1).
fn check_queries(model: &Model, request: &SessionModificationRequest) -> Result<(), Refusal> {
    let mut queried = request.query_urrs.iter();
    if let Some(&id) = queried.find(|id| !model.urrs.has(**id)) {
        let rule = FailedRule::Urr(id);
        return Err(refuse(Cause::RuleCreationFailure, kind::QUERY_URR, rule));
    }
    Ok(())
}

impl Builder<'_> {
    fn finish(mut self, removed: Removed) -> Requested {
        self.model.set_sources();
        self.model.shrink();
        Requested {
            model: self.model,
            left: self.left,
            removed,
            end_markers: self.end_markers,
            is_restoration: self.is_restoration,
            former: Vec::new(),
        }
    }

    fn remove(&mut self, request: &SessionModificationRequest) -> Result<(), Refusal> {
        for &id in &request.remove_pdrs {
            known(self.model.pdrs.remove(id), FailedRule::Pdr(id))?;
        }
        for &id in &request.remove_traffic_endpoints {
            self.remove_endpoint(id)?;
        }
        for &id in &request.remove_mars {
            if !self.model.mars.remove(id) {
                return Err(refuse(Cause::RuleCreationFailure, kind::MAR_ID, None));
            }
        }
        for &id in &request.remove_fars {
            known(self.model.fars.remove(id), FailedRule::Far(id))?;
        }
        for &id in &request.remove_urrs {
            known(self.model.urrs.remove(id), FailedRule::Urr(id))?;
        }
        for &id in &request.remove_qers {
            known(self.model.qers.remove(id), FailedRule::Qer(id))?;
        }
        for &id in &request.remove_bars {
            known(self.model.bars.remove(id), FailedRule::Bar(id))?;
        }
        Ok(())
    }

    fn create(&mut self, rules: &Creations<'_>) -> Result<(), Refusal> {
        for bar in rules.bars {
            let rule = FailedRule::Bar(bar.id);
            add(&mut self.model.bars, *bar, MAX_BARS, rule)?;
        }
        for far in rules.fars {
            self.create_far(far)?;
        }
        for urr in rules.urrs {
            self.create_urr(urr)?;
        }
        for qer in rules.qers {
            self.create_qer(qer)?;
        }
        for mar in rules.mars {
            self.create_mar(mar)?;
        }
        for endpoint in rules.endpoints {
            self.create_endpoint(endpoint)?;
        }
        for pdr in rules.pdrs {
            self.create_pdr(pdr)?;
        }
        Ok(())
    }

    fn update(&mut self, request: &SessionModificationRequest) -> Result<(), Refusal> {
        for bar in &request.update_bars {
            self.update_bar(bar)?;
        }
        for far in &request.update_fars {
            self.update_far(far)?;
        }
        for urr in &request.update_urrs {
            self.update_urr(urr)?;
        }
        for qer in &request.update_qers {
            self.update_qer(qer)?;
        }
        for mar in &request.update_mars {
            self.update_mar(mar)?;
        }
        for endpoint in &request.update_traffic_endpoints {
            self.update_endpoint(endpoint)?;
        }
        for pdr in &request.update_pdrs {
            self.update_pdr(pdr)?;
        }
        Ok(())
    }

    fn update_bar(&mut self, update: &CreateBar) -> Result<(), Refusal> {
        let rule = FailedRule::Bar(update.id);
        let bar = self.model.bars.get_mut(update.id);
        let bar = bar.ok_or_else(|| refuse_rule(rule))?;
        let delay = update.downlink_data_notification_delay;
        bar.downlink_data_notification_delay = delay.or(bar.downlink_data_notification_delay);
        let suggested = update.suggested_buffering_packets_count;
        bar.suggested_buffering_packets_count = suggested.or(bar.suggested_buffering_packets_count);
        bar.mt_edt_control = update.mt_edt_control.or(bar.mt_edt_control);
        Ok(())
    }
}

fn known(done: bool, rule: FailedRule) -> Result<(), Refusal> {
    done.then_some(()).ok_or_else(|| refuse_rule(rule))
}

/// Adds a rule that is new, if there is room.
fn add<R: Rule>(
    rules: &mut RuleSet<R>,
    new: R,
    most: usize,
    rule: FailedRule,
) -> Result<(), Refusal> {
    if rules.len() >= most && !rules.has(new.id()) {
        return Err(no_room(rule));
    }
    known(rules.insert(new), rule)
}

/// FARs, QERs and URRs with this bit are ours, predefined (clauses 8.2.74, 8.2.75 and 8.2.54): nobody creates them.
fn check_is_dynamic(id: u32, rule: FailedRule) -> Result<(), Refusal> {
    const PREDEFINED: u32 = 1 << 31;
    known(id & PREDEFINED == 0, rule)
}
