//! From a datagram to the procedures that its messages are for, and the answers back.

use std::net::SocketAddr;

use super::event::Trouble;
use super::node_procedures::pfds_provisioned;
use super::session_procedures::{deleted, modified, refusal, verdict};
use super::{Node, Turn};
use crate::pfcp::codec::{
    Body, DecodeError, Decoded, Frame, FrameError, Message, MessageType, decode, find_sender,
    frames,
};
use crate::pfcp::ie::Cause;

/// An answer to a request.
pub(super) struct Reply {
    /// The SEID of the answer's header.
    pub(super) seid: u64,
    pub(super) body: Body,
    /// Whether the request did something, so that it must not run twice.
    is_kept: bool,
}

impl Reply {
    /// An answer that is kept for when the request comes again.
    pub(super) fn kept(seid: u64, body: Body) -> Self {
        Self {
            seid,
            body,
            is_kept: true,
        }
    }

    /// An answer to a request that changed nothing: it may as well be looked at again.
    pub(super) fn fleeting(seid: u64, body: Body) -> Self {
        Self {
            seid,
            body,
            is_kept: false,
        }
    }
}

impl Node {
    pub(super) fn datagram(&mut self, from: SocketAddr, datagram: &[u8], turn: &mut Turn<'_>) {
        for frame in frames(datagram) {
            match frame {
                Ok(frame) => self.message(from, &frame, turn),
                Err(error) => self.malformed(from, error, turn),
            }
        }
    }

    fn message(&mut self, from: SocketAddr, frame: &Frame<'_>, turn: &mut Turn<'_>) {
        let code = frame.header.message_type;
        let Some(kind) = MessageType::from_code(code) else {
            return turn.trouble(from, Trouble::UnknownType(code));
        };
        if kind.is_of_session() && frame.header.seid.is_none() {
            return turn.trouble(from, Trouble::NoSeid(kind));
        }
        if kind.is_response() {
            return self.response(from, kind, frame, turn);
        }
        let sequence = frame.header.sequence;
        if let Some(answer) = self.answers.get(from, sequence, frame.bytes) {
            return turn.send(from, answer.to_vec());
        }
        let Some(reply) = self.request(from, kind, frame, turn) else {
            return;
        };
        self.answer(from, frame, kind, reply, turn);
    }

    fn answer(
        &mut self,
        from: SocketAddr,
        frame: &Frame<'_>,
        kind: MessageType,
        reply: Reply,
        turn: &mut Turn<'_>,
    ) {
        let sequence = frame.header.sequence;
        let message = Message {
            seid: reply.seid,
            sequence,
            priority: frame.header.priority,
            body: reply.body,
        };
        let Ok(bytes) = message.encode() else {
            return turn.trouble(from, Trouble::AnswerTooLong(kind));
        };
        if reply.is_kept {
            self.keep_answer((from, sequence), frame.bytes, &bytes, turn);
        }
        turn.send(from, bytes);
    }

    /// Reads a message; what is wrong with it is told.
    fn decode(
        &mut self,
        from: SocketAddr,
        kind: MessageType,
        frame: &Frame<'_>,
        turn: &mut Turn<'_>,
    ) -> Option<Result<Body, DecodeError>> {
        match decode(frame)? {
            Ok(Decoded { body, skipped }) => {
                self.skipped = self.skipped.saturating_add(u64::from(skipped));
                Some(Ok(body))
            }
            Err(error) => {
                turn.trouble(from, Trouble::Undecodable(kind, error));
                Some(Err(error))
            }
        }
    }

    fn request(
        &mut self,
        from: SocketAddr,
        kind: MessageType,
        frame: &Frame<'_>,
        turn: &mut Turn<'_>,
    ) -> Option<Reply> {
        if kind == MessageType::SessionEstablishmentRequest
            && let Some(refusal) = self.stranger(frame)
        {
            return Some(refusal);
        }
        let body = match self.decode(from, kind, frame, turn)? {
            Ok(body) => body,
            Err(error) => return self.undecodable(from, kind, frame, error, turn),
        };
        // Session messages without one were dropped.
        let seid = frame.header.seid.unwrap_or_default();
        self.serve(from, kind, seid, body, turn)
    }

    /// Serves a request that could be read.
    pub(super) fn serve(
        &mut self,
        from: SocketAddr,
        kind: MessageType,
        seid: u64,
        body: Body,
        turn: &mut Turn<'_>,
    ) -> Option<Reply> {
        match body {
            Body::HeartbeatRequest(heartbeat) => Some(self.heartbeat(from, heartbeat, turn)),
            Body::AssociationSetupRequest(request) => Some(self.setup(from, request, turn)),
            Body::AssociationUpdateRequest(request) => Some(self.update(from, &request, turn)),
            Body::AssociationReleaseRequest(node) => Some(self.release(from, node, turn)),
            Body::PfdManagementRequest(request) => Some(self.provision_pfds(from, &request, turn)),
            Body::SessionSetDeletionRequest(request) => Some(self.delete_sets(from, request, turn)),
            Body::SessionEstablishmentRequest(request) => {
                Some(self.establish(from, seid, &request, turn))
            }
            Body::SessionModificationRequest(request) => {
                Some(self.modify(from, seid, &request, turn))
            }
            Body::SessionDeletionRequest(request) => Some(self.delete(from, seid, &request, turn)),
            // The last two are for control planes.
            Body::OtherRequest(_) | Body::NodeReportRequest(_) | Body::SessionReportRequest(_) => {
                turn.trouble(from, Trouble::NotServed(kind));
                self.not_served(kind)
            }
            _ => None,
        }
    }

    /// Answers a request that cannot be read, where its response has a Cause.
    fn undecodable(
        &mut self,
        from: SocketAddr,
        kind: MessageType,
        frame: &Frame<'_>,
        error: DecodeError,
        turn: &mut Turn<'_>,
    ) -> Option<Reply> {
        let refusal = refusal(error.cause, error.offending_ie);
        let (seid, body) = match kind {
            MessageType::AssociationSetupRequest => (0, self.setup_response(verdict(&refusal))),
            MessageType::AssociationUpdateRequest => {
                let response = self.node_response(verdict(&refusal));
                (0, Body::AssociationUpdateResponse(response))
            }
            MessageType::AssociationReleaseRequest => {
                let response = self.node_response(verdict(&refusal));
                (0, Body::AssociationReleaseResponse(response))
            }
            MessageType::PfdManagementRequest => (0, pfds_provisioned(Err(refusal))),
            MessageType::SessionSetDeletionRequest => {
                let response = self.node_response(verdict(&refusal));
                (0, Body::SessionSetDeletionResponse(response))
            }
            MessageType::NodeReportRequest | MessageType::SessionReportRequest => {
                return self.not_served(kind);
            }
            MessageType::SessionEstablishmentRequest => {
                let seid = find_sender(frame).seid.unwrap_or_default();
                (seid, self.establishment_refused(&refusal))
            }
            MessageType::SessionModificationRequest => {
                let (seid, refusal) = self.unread_of_session(from, frame, refusal, turn);
                (seid, modified(Err(refusal)))
            }
            MessageType::SessionDeletionRequest => {
                let (seid, refusal) = self.unread_of_session(from, frame, refusal, turn);
                (seid, deleted(Err(refusal)))
            }
            _ => return None,
        };
        Some(Reply::fleeting(seid, body))
    }

    fn response(
        &mut self,
        from: SocketAddr,
        kind: MessageType,
        frame: &Frame<'_>,
        turn: &mut Turn<'_>,
    ) {
        let sequence = frame.header.sequence;
        let waiting_node = self.heartbeat_waiting(from, sequence);
        let waiting_connection = self.connection_waiting(from, sequence);
        let exchange = self.exchange_waiting(from, sequence, kind);
        if waiting_node.is_none() && waiting_connection.is_none() && exchange.is_none() {
            return turn.trouble(from, Trouble::UnexpectedResponse(kind));
        }
        let Some(Ok(body)) = self.decode(from, kind, frame, turn) else {
            return;
        };
        match (body, waiting_node, waiting_connection, exchange) {
            (body, _, _, Some(sequence)) => self.exchange_answered(sequence, body, turn),
            (Body::HeartbeatResponse(heartbeat), Some(node), ..) => {
                self.heartbeat_answered(&node, heartbeat, turn);
            }
            (Body::AssociationSetupResponse(response), _, Some(index), _) => {
                self.connect_answered(index, response, turn);
            }
            (Body::VersionNotSupportedResponse, _, Some(index), _) => {
                self.connect_refused(index, None, turn);
            }
            _ => turn.trouble(from, Trouble::UnexpectedResponse(kind)),
        }
    }

    /// The request of ours that a response answers: its sequence number.
    fn exchange_waiting(&self, from: SocketAddr, sequence: u32, kind: MessageType) -> Option<u32> {
        let exchange = self.exchanges.get(&sequence)?;
        let is_answer = exchange.request().is_answered_by(from, sequence);
        (is_answer && exchange.is_answered_with(kind)).then_some(sequence)
    }

    /// Refuses the establishments of a datagram. The answer is kept, so that a request of which one copy was refused
    /// is not served by another.
    pub(super) fn refuse_datagram(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
        turn: &mut Turn<'_>,
    ) {
        for frame in frames(datagram).flatten() {
            let header = frame.header;
            if header.message_type != MessageType::SessionEstablishmentRequest as u8
                || header.seid.is_none()
            {
                continue;
            }
            if let Some(answer) = self.answers.get(from, header.sequence, frame.bytes) {
                turn.send(from, answer.to_vec());
                continue;
            }
            let reply = self.stranger(&frame).unwrap_or_else(|| {
                let seid = find_sender(&frame).seid.unwrap_or_default();
                let refusal = refusal(Cause::Congestion, None);
                Reply::kept(seid, self.establishment_refused(&refusal))
            });
            self.answer(
                from,
                &frame,
                MessageType::SessionEstablishmentRequest,
                reply,
                turn,
            );
        }
    }

    /// Tells of what is no message; another version of the protocol gets an answer (TS 29.244 clause 7.6.2).
    fn malformed(&mut self, from: SocketAddr, error: FrameError, turn: &mut Turn<'_>) {
        turn.trouble(from, Trouble::Malformed(error));
        let FrameError::Version {
            message_type,
            sequence,
            ..
        } = error
        else {
            return;
        };
        let kind = MessageType::from_code(message_type);
        // The peer may name a version of its own when it refuses ours.
        if kind == Some(MessageType::VersionNotSupportedResponse)
            && let Some(index) = self.connection_waiting(from, sequence)
        {
            return self.connect_refused(index, None, turn);
        }
        // A response to a response could go on for ever.
        if kind.is_some_and(MessageType::is_response) {
            return;
        }
        let answer = Message {
            seid: 0,
            sequence,
            priority: None,
            body: Body::VersionNotSupportedResponse,
        };
        if let Ok(bytes) = answer.encode() {
            turn.send(from, bytes);
        }
    }
}
