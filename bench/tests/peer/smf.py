"""A session management function made of scapy's PFCP, driven by a test over a pipe.

Reads a JSON object a line from standard input, does what its "do" says and answers with a JSON object a
line. Heartbeats are answered in between.
"""

import json
import select
import socket
import sys
import time

import charging
import profiles
import rules
from scapy.contrib.pfcp import *  # noqa: F403: scapy's style

# Our address and the UPF's.
NODE, UPF = sys.argv[1], (sys.argv[2], 8805)
RECOVERY = int(time.time()) + 2208988800
NETWORK_INSTANCE = "internet"
# GTP-U/UDP/IP, whichever IP version (TS 29.244 clause 8.2.64).
REMOVE_GTPU_UDP_IP = 6
USER_ID = 141

udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind((NODE, 8805))
sequence = 0
last_request = last_answer = None
# What the UPF asked for and nobody has answered yet.
inbox = []
heartbeats = 0
# What the UPF has told by itself.
told = []
# UP SEIDs by the test's own number of a session.
seids = {}
# Usage reports, each once, in the order of their coming; and those that a quota has still to be granted for.
used, to_refill = [], []
# What is granted for a report, and how often.
tariff = {"times": 0}


def exchange(message, seid=None):
    global sequence, last_request
    sequence += 1
    header = {"S": 0} if seid is None else {"S": 1, "seid": seid}
    last_request = bytes(PFCP(seq=sequence, **header) / message)
    return send(last_request)


def send(request):
    global last_answer
    for _ in range(3):
        udp.sendto(request, UPF)
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            if not select.select([udp], [], [], 0.1)[0]:
                continue
            answer = receive()
            if answer is not None and answer.seq == PFCP(request).seq:
                last_answer = bytes(answer.original)
                return answer
    raise RuntimeError("no answer from the UPF")


def receive():
    """The next answer, or None: a heartbeat and a report are answered, an association's setup or update kept for
    later."""
    global heartbeats
    datagram = udp.recv(65535)
    message = PFCP(datagram)
    if message.message_type in (NODE_REPORT, SESSION_REPORT):
        answer_report(message, datagram)
        return None
    if message.message_type == 1:
        heartbeats += 1
        response = PFCPHeartbeatResponse(IE_list=[IE_RecoveryTimeStamp(timestamp=RECOVERY)])
        udp.sendto(bytes(PFCP(seq=message.seq, S=0) / response), UPF)
        return None
    if message.message_type in (5, 7):
        inbox.append(message)
        return None
    return message


NODE_REPORT, SESSION_REPORT = 12, 56
# Elements of reports (TS 29.244 table 8.1.2-1), read here because scapy does not know all of them.
F_TEID, REPORT_TYPE, ERROR_INDICATION, NODE_REPORT_TYPE = 21, 39, 99, 101
PATH_FAILURE, REMOTE_PEER, PATH_RECOVERY = 102, 103, 187


def answer_report(message, datagram):
    """Notes what a report says, once however often it is sent, and accepts it."""
    body = datagram[16 if message.S else 8:]
    if all(report["sequence"] != message.seq for report in told):
        reports = charging.usage(message)
        used.extend(reports)
        to_refill.extend(reports)
        told.append({
            "sequence": message.seq,
            "kind": {NODE_REPORT: "node", SESSION_REPORT: "session"}[message.message_type],
            "session": message.seid if message.S else 0,
            "type": elements(body, NODE_REPORT_TYPE, REPORT_TYPE)[0][0],
            "failed": peers(body, PATH_FAILURE),
            "recovered": peers(body, PATH_RECOVERY),
            "unknown": [
                {"teid": int.from_bytes(value[1:5], "big"), "address": address(value[5:])}
                for group in elements(body, ERROR_INDICATION) for value in elements(group, F_TEID)
            ],
        })
    accepted = IE_Cause(cause=1)
    if message.message_type == NODE_REPORT:
        response = PFCP(seq=message.seq, S=0) / PFCPNodeReportResponse(IE_list=[node(), accepted])
    else:
        header = PFCP(seq=message.seq, S=1, seid=seids.get(message.seid, 0))
        response = header / PFCPSessionReportResponse(IE_list=[accepted])
    udp.sendto(bytes(response), UPF)


def refill():
    """Grants a new quota for the oldest report."""
    report = to_refill.pop(0)
    if tariff["times"] == 0:
        return
    tariff["times"] -= 1
    update = charging.refill({"id": report["urr"], **tariff["grant"]})
    answer = modify({"session": tariff["session"]}, [update])
    report["refilled"] = answer["cause"] == 1
    # How long it took us and the UPF.
    report["seconds"] = time.monotonic() - report["came"]


def refills(command):
    """From now on each report is answered with a new quota, so many times in all."""
    tariff.update(session=command["session"], grant=command["grant"], times=command["times"])
    return {}


def usage(_):
    return {"reports": used}


def elements(body, *kinds):
    """The values of all elements of these types."""
    values = []
    while body:
        kind, length = (int.from_bytes(body[at:at + 2], "big") for at in (0, 2))
        if kind in kinds:
            values.append(body[4:4 + length])
        body = body[4 + length:]
    return values


def peers(body, kind):
    groups = elements(body, kind)
    return [address(value[1:]) for group in groups for value in elements(group, REMOTE_PEER)]


def address(octets):
    """The IPv4 address that the octets begin with."""
    return socket.inet_ntoa(octets[:4])


def reports(_):
    return {"reports": told}


def node():
    return IE_NodeId(id_type=0, ipv4=NODE)


def find(message, kind):
    return next((ie for ie in message.IE_list if isinstance(ie, kind)), None)


def cause(answer):
    return find(answer.payload, IE_Cause).cause


def associate(_):
    stamp = IE_RecoveryTimeStamp(timestamp=RECOVERY)
    answer = exchange(PFCPAssociationSetupRequest(IE_list=[node(), stamp, IE_CPFunctionFeatures()]))
    return {"cause": cause(answer), **described(answer)}


def described(message):
    """What an association setup, asked for or answered, says of the UPF."""
    return {
        "node": find(message.payload, IE_NodeId).ipv4,
        "recovery": find(message.payload, IE_RecoveryTimeStamp).timestamp,
        "ftup": find(message.payload, IE_UPFunctionFeatures).FTUP,
    }


def accept(_):
    """Waits until the UPF sets the association up, and accepts."""
    deadline = time.monotonic() + 15
    while not inbox and time.monotonic() < deadline:
        if select.select([udp], [], [], 0.1)[0]:
            receive()
    if not inbox:
        raise RuntimeError("the UPF does not set the association up")
    request = inbox.pop()
    inbox.clear()
    response = PFCPAssociationSetupResponse(IE_list=[
        node(),
        IE_Cause(cause=1),
        IE_RecoveryTimeStamp(timestamp=RECOVERY),
        IE_CPFunctionFeatures(),
    ])
    udp.sendto(bytes(PFCP(seq=request.seq, S=0) / response), UPF)
    return {"cause": 1, **described(request)}


def restart(_):
    """As after a crash: no session is known any more, and sequence numbers begin anew."""
    global RECOVERY, sequence
    RECOVERY += 10
    sequence = 0
    seids.clear()
    return {}


def heartbeats_seen(_):
    return {"count": heartbeats}


def release(_):
    answer = exchange(PFCPAssociationReleaseRequest(IE_list=[node()]))
    return {"cause": cause(answer)}


def release_when_asked(command):
    """Waits until the UPF asks for the release of the association, accepts, and releases it if that is wanted."""
    deadline = time.monotonic() + 15
    while not inbox and time.monotonic() < deadline:
        if select.select([udp], [], [], 0.1)[0]:
            receive()
    request = inbox.pop()
    inbox.clear()
    if find(request.payload, IE_PFCPAssociationReleaseRequest).SARR != 1:
        raise RuntimeError("the UPF asks for something else")
    period = find(request.payload, IE_GracefulReleasePeriod)
    if period.release_timer_unit != 0:
        raise RuntimeError("units of two seconds are expected")
    response = PFCPAssociationUpdateResponse(IE_list=[node(), IE_Cause(cause=1)])
    udp.sendto(bytes(PFCP(seq=request.seq, S=0) / response), UPF)
    if command["releases"] and release(command)["cause"] != 1:
        raise RuntimeError("the release is refused")
    return {"period": 2 * period.release_timer_value}


def ue_address(command, sd):
    if command.get("ipv6"):
        return IE_UE_IP_Address(V6=1, ipv6=command["ipv6"], SD=sd)
    return IE_UE_IP_Address(V4=1, ipv4=command["ipv4"], SD=sd)


def establish(command):
    qfi = [IE_QFI(QFI=command["qfi"])] if command.get("qfi") else []
    qers = [IE_QER_Id(id=1)]
    mbr = [IE_MBR(ul=command["rate"], dl=command["rate"])] if command.get("rate") else []
    instance = IE_NetworkInstance(instance=NETWORK_INSTANCE)
    downlink = IE_CreatePDR(IE_list=[
        IE_PDR_Id(id=1),
        IE_Precedence(precedence=65535),
        IE_PDI(IE_list=[IE_SourceInterface(interface="Core"), instance, ue_address(command, 1)]),
        IE_FAR_Id(id=1),
        *qers,
    ])
    uplink = IE_CreatePDR(IE_list=[
        IE_PDR_Id(id=2),
        IE_Precedence(precedence=65535),
        IE_PDI(IE_list=[
            IE_SourceInterface(interface="Access"),
            IE_FTEID(V4=1, CH=1, CHID=1, choose_id=5),
            instance,
            ue_address(command, 0),
            *qfi,
        ]),
        IE_OuterHeaderRemoval(header=REMOVE_GTPU_UDP_IP),
        IE_FAR_Id(id=2),
        *qers,
    ])
    # As an SMF does while the UE has no radio bearer: buffer and tell.
    downlink_far = IE_CreateFAR(IE_list=[IE_FAR_Id(id=1), IE_ApplyAction(BUFF=1, NOCP=1)])
    uplink_far = IE_CreateFAR(IE_list=[
        IE_FAR_Id(id=2),
        IE_ApplyAction(FORW=1),
        IE_ForwardingParameters(IE_list=[IE_DestinationInterface(interface="Core"), instance]),
    ])
    qer = IE_CreateQER(IE_list=[IE_QER_Id(id=1), IE_GateStatus(ul="OPEN", dl="OPEN"), *mbr, *qfi])
    result = request_session(command["session"], [
        uplink, downlink, uplink_far, downlink_far, qer, IE_PDNType(pdn_type="IPv4"), *user(command),
    ])
    result.update(result.get("tunnels", {}).get(2, {}))
    return result


def user(command):
    return [user_id(command["imsi"])] if command.get("imsi") else []


def user_id(imsi):
    """User ID (clause 8.2.101) of an IMSI, whose digits scapy does not write."""
    digits = imsi if len(imsi) % 2 == 0 else imsi + "f"
    octets = bytes(int(digits[at + 1] + digits[at], 16) for at in range(0, len(digits), 2))
    return IE_NotImplemented(ietype=USER_ID, data=bytes([1, len(octets)]) + octets)


def request_session(number, ies):
    message = [node(), IE_FSEID(v4=1, seid=number, ipv4=NODE), *ies]
    answer = exchange(PFCPSessionEstablishmentRequest(IE_list=message), seid=0)
    result = {"cause": cause(answer), "header_seid": answer.seid}
    if result["cause"] == 1:
        seids[number] = find(answer.payload, IE_FSEID).seid
        result["seid"] = seids[number]
        result.update(created(answer))
    return result


def created(answer):
    """Tunnels and UE addresses that the UPF chose, by PDR ID."""
    tunnels, ues = {}, {}
    for pdr in answer.payload.IE_list:
        if not isinstance(pdr, IE_CreatedPDR):
            continue
        number, tunnel, ue = (find(pdr, kind) for kind in (IE_PDR_Id, IE_FTEID, IE_UE_IP_Address))
        if tunnel:
            tunnels[number.id] = {
                "teid": tunnel.TEID, "address": tunnel.ipv4 if tunnel.V4 else tunnel.ipv6}
        if ue:
            ues[number.id] = {
                "v4": ue.ipv4 if ue.V4 else None, "v6": ue.ipv6 if ue.V6 else None}
    return {"tunnels": tunnels, "ues": ues}


def create(command):
    """A session of the rules that the test describes."""
    return request_session(
        command["session"],
        [*rules.create(command["rules"]), IE_PDNType(pdn_type=command.get("pdn", "IPv4")), *user(command)])


def change(command):
    """A modification of the rules that the test describes."""
    ies = [
        *rules.remove(command.get("remove", {})), *rules.create(command.get("create", {})),
        *rules.update(command.get("update", {})),
    ]
    answer = exchange(PFCPSessionModificationRequest(IE_list=ies), seid=seids[command["session"]])
    return {"cause": cause(answer), "header_seid": answer.seid, **created(answer)}


def applications(command):
    """Packet flow descriptions, by application ID."""
    ies = [
        IE_ApplicationID_PFDs(IE_list=[
            IE_ApplicationId(id=name),
            IE_PFDContext(IE_list=[IE_PFDContents(FD=1, flow=flow) for flow in flows]),
        ])
        for name, flows in command["flows"].items()]
    return {"cause": cause(exchange(PFCPPFDManagementRequest(IE_list=ies)))}


def profile(command):
    return request_session(command["session"], profiles.PROFILES[command["name"]](command))


def join(command):
    return modify(command, profiles.join(command))


def modify(command, ies):
    answer = exchange(PFCPSessionModificationRequest(IE_list=ies), seid=seids[command["session"]])
    return {"cause": cause(answer), "header_seid": answer.seid}


def tunnel(command):
    header = IE_OuterHeaderCreation(GTPUUDPIPV4=1, TEID=command["teid"], ipv4=command["address"])
    parameters = [IE_DestinationInterface(interface="Access"), header]
    if command.get("end_marker"):
        parameters.append(IE_PFCPSMReqFlags(SNDEM=1))
    return modify(command, [IE_UpdateFAR(IE_list=[
        IE_FAR_Id(id=1),
        IE_ApplyAction(FORW=1),
        IE_UpdateForwardingParameters(IE_list=parameters),
    ])])


def duplicate(command):
    """The uplink's packets are forwarded, and copied into a tunnel with DSCP 46."""
    header = IE_OuterHeaderCreation(GTPUUDPIPV4=1, TEID=command["teid"], ipv4=command["address"])
    instance = IE_NetworkInstance(instance=NETWORK_INSTANCE)
    far = IE_CreateFAR(IE_list=[
        IE_FAR_Id(id=9),
        IE_ApplyAction(FORW=1, DUPL=1),
        IE_ForwardingParameters(IE_list=[IE_DestinationInterface(interface="Core"), instance]),
        IE_DuplicatingParameters(IE_list=[
            IE_DestinationInterface(interface="Access"),
            header,
            IE_TransportLevelMarking(tos=46 << 2, traffic_class=0xFC),
        ]),
    ])
    return modify(command, [far, IE_UpdatePDR(IE_list=[IE_PDR_Id(id=2), IE_FAR_Id(id=9)])])


def idle(command):
    far = [IE_FAR_Id(id=1), IE_ApplyAction(BUFF=1, NOCP=1)]
    return modify(command, [IE_UpdateFAR(IE_list=far)])


def rate(command):
    qer = [IE_QER_Id(id=1), IE_MBR(ul=command["rate"], dl=command["rate"])]
    return modify(command, [IE_UpdateQER(IE_list=qer)])


def gate(command):
    status = IE_GateStatus(ul=command["uplink"], dl=command["downlink"])
    return modify(command, [IE_UpdateQER(IE_list=[IE_QER_Id(id=1), status])])


def delete(command):
    answer = exchange(PFCPSessionDeletionRequest(), seid=seids[command["session"]])
    used.extend(charging.usage(answer))
    return {"cause": cause(answer), "header_seid": answer.seid}


def repeat(_):
    """Sends the last request again, as when its answer was lost: the answer must be the same."""
    before = last_answer
    send(last_request)
    return {"same": last_answer == before}


COMMANDS = {
    command.__name__: command
    for command in (
        associate, accept, restart, heartbeats_seen, reports, refills, usage, release, release_when_asked,
        establish, create, change, applications, profile, join, tunnel, duplicate, idle, rate, gate, delete, repeat,
    )
}


def main():
    while True:
        if to_refill:
            refill()
            continue
        readable, _, _ = select.select([sys.stdin, udp], [], [])
        if udp in readable:
            receive()
        if sys.stdin in readable:
            line = sys.stdin.readline()
            if not line:
                return
            command = json.loads(line)
            try:
                result = COMMANDS[command["do"]](command)
            except Exception as error:
                result = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(result), flush=True)


main()
