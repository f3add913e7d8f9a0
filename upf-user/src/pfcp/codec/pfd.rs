//! PFD management on the wire (TS 29.244 clauses 7.4.3 and 8.2.39).

use super::element::{Element, Elements, Tally, mandatory};
use super::error::{DecodeError, Flaw};
use super::limits::{MAX_APPLICATIONS, MAX_PFD_CONTEXTS, MAX_PFD_VALUES};
use super::reader::Reader;
use super::writer::Writer;
use super::{addresses, names};
use crate::pfcp::ie::kind;
use crate::pfcp::message::{ApplicationPfds, PfdContents, PfdManagementRequest};

pub(super) fn read_request(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<PfdManagementRequest, DecodeError> {
    let mut request = PfdManagementRequest::default();
    body.read_each(tally, |ie, tally| match ie.kind {
        kind::APPLICATION_IDS_PFDS => {
            let applications = &mut request.applications;
            tally.groups(applications, MAX_APPLICATIONS, ie, read_application)
        }
        kind::NODE_ID => tally.once(&mut request.node_id, ie, addresses::read_node_id),
        _ => tally.skip(),
    })?;
    Ok(request)
}

pub(super) fn write_request(out: &mut Writer, request: &PfdManagementRequest) {
    let applications = &request.applications;
    out.each(kind::APPLICATION_IDS_PFDS, applications, write_application);
    out.each(kind::NODE_ID, &request.node_id, addresses::write_node_id);
}

fn read_application(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<ApplicationPfds, DecodeError> {
    let (mut id, mut contexts) = (None, Vec::new());
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::APPLICATION_ID => tally.once(&mut id, ie, names::read_label),
            kind::PFD_CONTEXT => tally.groups(&mut contexts, MAX_PFD_CONTEXTS, ie, read_context),
            _ => tally.skip(),
        })?;
    Ok(ApplicationPfds {
        application_id: mandatory(id, kind::APPLICATION_ID)?,
        contexts,
    })
}

fn write_application(out: &mut Writer, application: &ApplicationPfds) {
    out.texts(kind::APPLICATION_ID, [&application.application_id]);
    out.each(kind::PFD_CONTEXT, &application.contexts, |out, contents| {
        out.each(kind::PFD_CONTENTS, contents, write_contents);
    });
}

fn read_context(group: &Element<'_>, tally: &mut Tally) -> Result<Vec<PfdContents>, DecodeError> {
    let mut contents = Vec::new();
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::PFD_CONTENTS => tally.several(&mut contents, MAX_PFD_CONTEXTS, ie, read_contents),
            _ => tally.skip(),
        })?;
    if contents.is_empty() {
        return Err(DecodeError::missing(kind::PFD_CONTENTS));
    }
    Ok(contents)
}

/// Flags of PFD Contents: Flow Description, URL, Domain Name, Custom PFD Content, Domain Name Protocol, and the
/// additional ones.
const FD: u8 = 1 << 0;
const URL: u8 = 1 << 1;
const DN: u8 = 1 << 2;
const CP: u8 = 1 << 3;
const DNP: u8 = 1 << 4;
const AFD: u8 = 1 << 5;
const AURL: u8 = 1 << 6;
const ADNP: u8 = 1 << 7;

/// PFD Contents (clause 8.2.39).
pub(super) fn read_contents(reader: &mut Reader<'_>) -> Result<PfdContents, Flaw> {
    let flags = reader.u8()?;
    // Spare.
    reader.u8()?;
    let has = |bit: u8| flags & bit != 0;
    let text = names::read_measured_text;
    let mut contents = PfdContents::default();
    contents
        .flow_descriptions
        .extend(reader.when(has(FD), text)?);
    contents.urls.extend(reader.when(has(URL), text)?);
    let domain_name = reader.when(has(DN), text)?;
    contents.custom = reader.when(has(CP), |reader| {
        Ok(read_list(reader)?.take_rest().to_vec())
    })?;
    let protocol = reader.when(has(DNP), text)?;
    match domain_name {
        Some(name) => contents.domain_names.push((name, protocol)),
        None if protocol.is_some() => return Err(Flaw::Incorrect),
        None => {}
    }
    if has(AFD) {
        read_texts(&mut contents.flow_descriptions, reader)?;
    }
    if has(AURL) {
        read_texts(&mut contents.urls, reader)?;
    }
    if has(ADNP) {
        read_domain_names(&mut contents.domain_names, reader)?;
    }
    Ok(contents)
}

/// What two octets of length measure.
fn read_list<'a>(reader: &mut Reader<'a>) -> Result<Reader<'a>, Flaw> {
    let len = reader.u16()?;
    reader.sub(usize::from(len))
}

fn read_texts(texts: &mut Vec<String>, reader: &mut Reader<'_>) -> Result<(), Flaw> {
    let mut list = read_list(reader)?;
    while !list.is_empty() {
        if texts.len() >= MAX_PFD_VALUES {
            return Err(Flaw::TooMany);
        }
        texts.push(names::read_measured_text(&mut list)?);
    }
    Ok(())
}

/// Names and protocols in turn; an empty protocol is none.
fn read_domain_names(
    domain_names: &mut Vec<(String, Option<String>)>,
    reader: &mut Reader<'_>,
) -> Result<(), Flaw> {
    let mut list = read_list(reader)?;
    while !list.is_empty() {
        if domain_names.len() >= MAX_PFD_VALUES {
            return Err(Flaw::TooMany);
        }
        let name = names::read_measured_text(&mut list)?;
        let protocol = names::read_measured_text(&mut list)?;
        domain_names.push((name, Some(protocol).filter(|text| !text.is_empty())));
    }
    Ok(())
}

/// The first value of a kind stands for itself, what follows is additional.
pub(super) fn write_contents(out: &mut Writer, contents: &PfdContents) {
    let flow = contents.flow_descriptions.split_first();
    let url = contents.urls.split_first();
    let domain_name = contents.domain_names.split_first();
    let protocol = domain_name.and_then(|((_, protocol), _)| protocol.as_deref());
    let custom = contents.custom.as_deref();
    let parts = [
        (FD, flow.is_some()),
        (URL, url.is_some()),
        (DN, domain_name.is_some()),
        (CP, custom.is_some()),
        (DNP, protocol.is_some()),
        (AFD, contents.flow_descriptions.len() > 1),
        (AURL, contents.urls.len() > 1),
        (ADNP, contents.domain_names.len() > 1),
    ];
    let set = parts.into_iter().filter(|(_, is_there)| *is_there);
    out.u8(set.fold(0, |flags, (bit, _)| flags | bit));
    out.u8(0);
    for first in [flow, url].into_iter().flatten() {
        names::write_measured_text(out, first.0);
    }
    if let Some(((name, _), _)) = domain_name {
        names::write_measured_text(out, name);
    }
    if let Some(custom) = custom {
        out.measured(|out| out.octets(custom));
    }
    if let Some(protocol) = protocol {
        names::write_measured_text(out, protocol);
    }
    let additional = [flow, url].into_iter().flatten().map(|(_, rest)| rest);
    for rest in additional.filter(|rest| !rest.is_empty()) {
        out.measured(|out| {
            for text in rest {
                names::write_measured_text(out, text);
            }
        });
    }
    if let Some((_, rest)) = domain_name.filter(|(_, rest)| !rest.is_empty()) {
        out.measured(|out| {
            for (name, protocol) in rest {
                names::write_measured_text(out, name);
                names::write_measured_text(out, protocol.as_deref().unwrap_or_default());
            }
        });
    }
}
