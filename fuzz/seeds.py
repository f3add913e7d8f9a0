"""Seeds of the fuzz targets, made of scapy's messages, one a line: the target and hex digits."""

import struct

from scapy.all import IP, IPv6, ICMP, TCP, UDP, Ether, Raw
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.contrib.pfcp import *  # noqa: F403: scapy's style

STAMP = 0xEE000000
US, GNB = "10.1.0.2", "10.1.0.1"
NODES = ["10.100.0.1", "10.100.0.2"]
OUR_MAC, PEER_MAC = "02:00:00:00:00:01", "02:00:00:00:01:01"


def emit(target, seed):
    print(target, bytes(seed).hex())


# PFCP ------------------------------------------------------------------------------------------------------------


def message(body, sequence, seid=None):
    session = {"S": 0} if seid is None else {"S": 1, "seid": seid}
    return bytes(PFCP(seq=sequence, **session) / body)


def choose(choose_id=None):
    shared = {} if choose_id is None else {"CHID": 1, "choose_id": choose_id}
    return IE_FTEID(V4=1, V6=1, CH=1, **shared)


def pdr(number, precedence, pdi, far, *rest):
    return IE_CreatePDR(IE_list=[
        IE_PDR_Id(id=number), IE_Precedence(precedence=precedence), IE_PDI(IE_list=pdi), IE_FAR_Id(id=far), *rest])


def forward(number, destination, *parameters):
    return IE_CreateFAR(IE_list=[
        IE_FAR_Id(id=number), IE_ApplyAction(FORW=1),
        IE_ForwardingParameters(IE_list=[IE_DestinationInterface(interface=destination), *parameters])])


def tunnel(teid):
    return IE_OuterHeaderCreation(GTPUUDPIPV4=1, TEID=teid, ipv4=GNB)


def establishment(node, number, *more):
    instance = IE_NetworkInstance(instance="internet")
    ue = {"V4": 1, "V6": 1, "ipv4": f"10.45.0.{number}", "ipv6": f"2001:db8:45:{number}::"}
    flow = IE_SDF_Filter(FD=1, flow_description="permit out 17 from 192.0.2.0/24 5060-5070,443 to assigned")
    return PFCPSessionEstablishmentRequest(IE_list=[
        IE_NodeId(id_type=0, ipv4=NODES[node]),
        IE_FSEID(v4=1, seid=number, ipv4=NODES[node]),
        pdr(1, 255, [IE_SourceInterface(interface=1), instance, IE_UE_IP_Address(SD=1, **ue)], 1, IE_QER_Id(id=1)),
        pdr(2, 255, [IE_SourceInterface(interface=0), choose(5), instance, IE_UE_IP_Address(**ue), IE_QFI(QFI=9)],
            2, IE_OuterHeaderRemoval(header=6), IE_QER_Id(id=1)),
        pdr(3, 10, [IE_SourceInterface(interface=1), instance, IE_UE_IP_Address(SD=1, **ue), flow,
                    IE_FramedRoute(framed_route=f"198.51.{number}.0/24")], 1),
        forward(1, 0, tunnel(0x1000 + number)),
        forward(2, 1, instance),
        IE_CreateQER(IE_list=[
            IE_QER_Id(id=1), IE_GateStatus(ul=0, dl=0), IE_MBR(ul=1_000_000, dl=2_000_000), IE_QFI(QFI=9)]),
        *more,
    ])


def setup(node):
    return PFCPAssociationSetupRequest(IE_list=[
        IE_NodeId(id_type=0, ipv4=NODES[node]), IE_RecoveryTimeStamp(timestamp=STAMP)])


handover = PFCPSessionModificationRequest(IE_list=[
    IE_UpdateFAR(IE_list=[
        IE_FAR_Id(id=1), IE_ApplyAction(FORW=1),
        IE_UpdateForwardingParameters(IE_list=[
            IE_DestinationInterface(interface=0), tunnel(0x2000), IE_PFCPSMReqFlags(SNDEM=1)])])])
idle = PFCPSessionModificationRequest(IE_list=[
    IE_UpdateFAR(IE_list=[IE_FAR_Id(id=1), IE_ApplyAction(BUFF=1, NOCP=1)])])
dedicated = PFCPSessionModificationRequest(IE_list=[
    pdr(5, 5, [IE_SourceInterface(interface=0), choose(5), IE_QFI(QFI=2)], 2, IE_OuterHeaderRemoval(header=6)),
    IE_UpdatePDR(IE_list=[IE_PDR_Id(id=3), IE_Precedence(precedence=7)]),
    IE_UpdateQER(IE_list=[IE_QER_Id(id=1), IE_GateStatus(ul=1, dl=0)])])
removal = PFCPSessionModificationRequest(IE_list=[
    IE_RemovePDR(IE_list=[IE_PDR_Id(id=5)]), IE_RemovePDR(IE_list=[IE_PDR_Id(id=3)])])
predefined = IE_CreatePDR(IE_list=[
    IE_PDR_Id(id=6), IE_PDI(IE_list=[IE_SourceInterface(interface=0), choose(5)]),
    IE_ActivatePredefinedRules(name="gold"), IE_FAR_Id(id=2)])
endpoint = IE_CreateTrafficEndpoint(IE_list=[
    IE_TrafficEndpointId(id=5), choose(), IE_NetworkInstance(instance="internet")])
pfds = PFCPPFDManagementRequest(IE_list=[
    IE_ApplicationID_PFDs(IE_list=[
        IE_ApplicationId(id="video"),
        IE_PFDContext(IE_list=[IE_PFDContents(FD=1, flow="permit out ip from 192.0.2.0/24 to any")])])])
heartbeat = PFCPHeartbeatRequest(IE_list=[IE_RecoveryTimeStamp(timestamp=STAMP)])
restarted = PFCPHeartbeatRequest(IE_list=[IE_RecoveryTimeStamp(timestamp=STAMP + 1)])
sets = PFCPSessionSetDeletionRequest(IE_list=[
    IE_NodeId(id_type=0, ipv4=NODES[0]),
    IE_FqCSID(node_id_type=0, num_csids=1, ipv4=NODES[0], csids=[1])])
csid = IE_FqCSID(node_id_type=0, num_csids=1, ipv4=NODES[0], csids=[1])
release = PFCPAssociationReleaseRequest(IE_list=[IE_NodeId(id_type=0, ipv4=NODES[0])])
update = PFCPAssociationUpdateRequest(IE_list=[
    IE_NodeId(id_type=0, ipv4=NODES[0]), IE_PFCPAssociationReleaseRequest(SARR=1)])
report = PFCPSessionReportResponse(IE_list=[IE_Cause(cause=65)])
deletion = PFCPSessionDeletionRequest()

SET_UP, FIRST = (setup(0), None), (establishment(0, 2), 0)
SEQUENCES = [
    [SET_UP, FIRST, (idle, 0), (handover, 0), (dedicated, 0), (removal, 0), (deletion, 0)],
    [SET_UP, FIRST, (establishment(0, 3, predefined, endpoint), 0), (deletion, 1), (deletion, 0), (deletion, 0)],
    [SET_UP, (establishment(0, 2, csid), 0), (sets, None), (establishment(0, 2), 0), (release, None)],
    [SET_UP, (pfds, None), FIRST, (heartbeat, None), (restarted, None), SET_UP, FIRST, (report, 0)],
    [SET_UP, FIRST, (update, None), (establishment(0, 4), 0), (deletion, 0)],
    [FIRST, SET_UP, FIRST, FIRST, (establishment(0, 2), 9), (dedicated, 0), (dedicated, 0)],
]
for messages in SEQUENCES:
    records = b""
    for number, (body, seid) in enumerate(messages):
        datagram = message(body, number + 1, seid)
        emit("pfcp_decode", datagram)
        records += struct.pack(">BH", 0x10 * (number % 3), len(datagram)) + datagram
    emit("pfcp_sequence", records)
both = [message(setup(0), 1), message(setup(1), 1), message(establishment(0, 2), 2, 0),
        message(establishment(1, 2), 2, 0), message(establishment(1, 3), 3, 0), message(deletion, 4, 1)]
emit("pfcp_sequence", b"".join(
    struct.pack(">BH", (0, 1, 0, 1, 1, 1)[number], len(datagram)) + datagram for number, datagram in enumerate(both)))

# GTP-U -----------------------------------------------------------------------------------------------------------

SLOT = 5
UE, SERVER = f"10.45.0.{SLOT}", "192.0.2.80"
TEID = 0x2A << 10 | SLOT
from_ue = IP(src=UE, dst=SERVER, ttl=64) / UDP(sport=40000, dport=443) / b"from the UE"
to_ue = IP(src=SERVER, dst=UE, ttl=64) / UDP(sport=443, dport=40000) / b"to the UE"
from_ue_v6 = IPv6(src="2001:db8:0:45::1", dst="2001:db8:2::50") / TCP(sport=40000, dport=443)
container = GTPPDUSessionContainer(type=1, QFI=9)
link = Ether(src=PEER_MAC, dst=OUR_MAC)
v4, v6 = IP(src=GNB, dst=US), IPv6(src="2001:db8:1::1", dst="2001:db8:1::2")
port = UDP(sport=2152, dport=2152)


def g_pdu(inner, extension=None):
    header = GTP_U_Header(teid=TEID, gtp_type=255, E=1 if extension else 0,
                          next_ex=0x85 if extension else 0)
    return header / extension / inner if extension else header / inner


frames = [
    link / v4 / port / g_pdu(from_ue, container),
    link / v4 / port / g_pdu(from_ue),
    link / v6 / port / g_pdu(from_ue, container),
    link / v4 / port / g_pdu(from_ue_v6, container),
    link / v4 / port / GTP_U_Header(teid=0, gtp_type=1, S=1, seq=7),
    link / v6 / port / GTP_U_Header(teid=0, gtp_type=1, S=1, seq=7),
    link / v4 / port / GTP_U_Header(teid=TEID, gtp_type=254),
    link / v4 / port / Raw(bytes.fromhex("3601000c" + f"{TEID:08x}" + "00010085" + "010009c1" + "01000000")),
    link / v4 / port / Raw(bytes.fromhex("321a0010000000000001000010" + "00002a05" + "85000410" + "01000100")),
    link / to_ue,
    link / IP(src=SERVER, dst=UE) / ICMP(),
]
for frame in frames:
    for world in (0, 1, 7, 40):
        emit("gtpu_parse", bytes([world]) + bytes(frame))

# Flow descriptions -----------------------------------------------------------------------------------------------

for text in [
    "permit out ip from any to assigned",
    "permit out 17 from 192.0.2.0/24 5060-5070,443 to assigned 1000",
    "permit out 6 from 2001:db8::/32 80 to 2001:db8:45:7::9",
    "permit in tcp from assigned to 198.51.100.7 443",
    "permit out 58 from ff02::2/128 to assigned",
    "permit out 50 from any to 10.45.0.2",
    "deny in ip from any to any",
    "permit out ip from !10.0.0.1 to any frag",
    "permit out 17 from any 1,2,3,4,5,6,7,8 to any 1,2,3,4,5,6,7,8",
]:
    emit("flow_description", text.encode())
