"""Rules that a test describes in JSON, as information elements made of scapy's.

A PDR: id, precedence, from (source interface), instance; choose (a CHOOSE ID, with outer 4 or 6) for an F-TEID of the
UPF's; ue (an address or several), choose_ue (families) for one of the UPF's; sdf (flow descriptions), application, qfi,
framed (routes); far, qers, urrs, predefined (a rule's name), ends_at (seconds of Unix).
A FAR: id, drop, or to (destination interface), instance, tunnel (teid, address), policy, end_marker.
A QER: id, mbr and gbr (uplink and downlink, kbit/s), qfi.
A URR: see charging.py.
"""

import charging
from scapy.contrib.pfcp import *  # noqa: F403: scapy's style

# GTP-U/UDP/IP, whichever IP version (TS 29.244 clause 8.2.64).
REMOVE_GTPU_UDP_IP = 6
UE_IP_ADDRESS, DEACTIVATION_TIME = 93, 164
# UE IP Address without an address: the UPF chooses (clause 8.2.62).
CHOOSE_V4, CHOOSE_V6 = 1 << 4, 1 << 5
NTP_EPOCH = 2208988800


def create(rules):
    return [
        *(IE_CreatePDR(IE_list=pdr(rule)) for rule in rules.get("pdrs", [])),
        *(IE_CreateFAR(IE_list=far(rule, IE_ForwardingParameters)) for rule in rules.get("fars", [])),
        *(IE_CreateQER(IE_list=qer(rule)) for rule in rules.get("qers", [])),
        *(charging.urr(rule) for rule in rules.get("urrs", [])),
    ]


def update(rules):
    return [
        IE_UpdateFAR(IE_list=far(rule, IE_UpdateForwardingParameters)) for rule in rules.get("fars", [])]


def remove(rules):
    return [
        *(IE_RemovePDR(IE_list=[IE_PDR_Id(id=number)]) for number in rules.get("pdrs", [])),
        *(IE_RemoveFAR(IE_list=[IE_FAR_Id(id=number)]) for number in rules.get("fars", [])),
        *(IE_RemoveQER(IE_list=[IE_QER_Id(id=number)]) for number in rules.get("qers", [])),
    ]


def pdr(rule):
    ies = [
        IE_PDR_Id(id=rule["id"]),
        IE_Precedence(precedence=rule.get("precedence", 65535)),
        IE_PDI(IE_list=pdi(rule)),
    ]
    if "choose" in rule:
        ies.append(IE_OuterHeaderRemoval(header=REMOVE_GTPU_UDP_IP))
    ies.append(IE_FAR_Id(id=rule["far"]))
    ies.extend(IE_QER_Id(id=number) for number in rule.get("qers", []))
    ies.extend(IE_URR_Id(id=number) for number in rule.get("urrs", []))
    if "predefined" in rule:
        ies.append(IE_ActivatePredefinedRules(name=rule["predefined"]))
    if "ends_at" in rule:
        end = rule["ends_at"] + NTP_EPOCH
        ies.append(IE_NotImplemented(ietype=DEACTIVATION_TIME, data=end.to_bytes(4, "big")))
    return ies


def pdi(rule):
    ies = [IE_SourceInterface(interface=rule["from"])]
    if "choose" in rule:
        family = {6: {"V6": 1}, 4: {"V4": 1}}[rule.get("outer", 4)]
        ies.append(IE_FTEID(CH=1, CHID=1, choose_id=rule["choose"], **family))
    if "instance" in rule:
        ies.append(IE_NetworkInstance(instance=rule["instance"]))
    ies.extend(ue_address(rule))
    ies.extend(IE_SDF_Filter(FD=1, flow_description=flow) for flow in rule.get("sdf", []))
    if "application" in rule:
        ies.append(IE_ApplicationId(id=rule["application"]))
    if "qfi" in rule:
        ies.append(IE_QFI(QFI=rule["qfi"]))
    ies.extend(
        (IE_NotImplemented(ietype=155, data=route.encode()) if ":" in route
         else IE_FramedRoute(framed_route=route))
        for route in rule.get("framed", []))
    return ies


def ue_address(rule):
    is_destination = rule["from"] == "Core"
    if "choose_ue" in rule:
        families = rule["choose_ue"]
        flags = CHOOSE_V4 * (4 in families) | CHOOSE_V6 * (6 in families) | 4 * is_destination
        return [IE_NotImplemented(ietype=UE_IP_ADDRESS, data=bytes([flags]))]
    if "ue" not in rule:
        return []
    ue = IE_UE_IP_Address(SD=int(is_destination))
    for address in rule["ue"]:
        if ":" in address:
            ue.V6, ue.ipv6 = 1, address
        else:
            ue.V4, ue.ipv4 = 1, address
    return [ue]


def far(rule, parameters):
    number = IE_FAR_Id(id=rule["id"])
    if rule.get("drop"):
        return [number, IE_ApplyAction(DROP=1)]
    ies = [IE_DestinationInterface(interface=rule["to"])]
    if "instance" in rule:
        ies.append(IE_NetworkInstance(instance=rule["instance"]))
    if "tunnel" in rule:
        ies.append(outer_header(**rule["tunnel"]))
    if "policy" in rule:
        ies.append(IE_ForwardingPolicy(policy_identifier=rule["policy"]))
    if rule.get("end_marker"):
        ies.append(IE_PFCPSMReqFlags(SNDEM=1))
    return [number, IE_ApplyAction(FORW=1), parameters(IE_list=ies)]


def outer_header(teid, address):
    if ":" in address:
        return IE_OuterHeaderCreation(GTPUUDPIPV6=1, TEID=teid, ipv6=address)
    return IE_OuterHeaderCreation(GTPUUDPIPV4=1, TEID=teid, ipv4=address)


def qer(rule):
    ies = [IE_QER_Id(id=rule["id"]), IE_GateStatus(ul="OPEN", dl="OPEN")]
    for key, kind in (("mbr", IE_MBR), ("gbr", IE_GBR)):
        if key in rule:
            uplink, downlink = rule[key]
            ies.append(kind(ul=uplink, dl=downlink))
    if "qfi" in rule:
        ies.append(IE_QFI(QFI=rule["qfi"]))
    return ies
