"""Session establishments as ordinary control planes send them, as lists of information elements."""

from scapy.contrib.pfcp import *  # noqa: F403: scapy's style

# Interface types (TS 29.244 clause 8.2.118).
N3_3GPP_ACCESS, N6 = 11, 17
DL, UL, CP_TO_UP, UP_TO_CP = 1, 2, 3, 4
S_NSSAI = 257
CHOOSE_ID = 5


def choose(choose_id=None):
    shared = {} if choose_id is None else {"CHID": 1, "choose_id": choose_id}
    return IE_FTEID(V4=1, V6=1, CH=1, **shared)


def gtpu(teid, address):
    """Both families: the UPF takes what it can reach."""
    return IE_OuterHeaderCreation(
        GTPUUDPIPV4=1, GTPUUDPIPV6=1, TEID=teid, ipv4=address, ipv6="2001:db8::dead")


def buffer():
    # Two octets, as from Release 16 on.
    return IE_ApplyAction(BUFF=1, NOCP=1, extra_data=b"\0")


def forward(far, destination, *parameters):
    return IE_CreateFAR(IE_list=[
        IE_FAR_Id(id=far),
        IE_ApplyAction(FORW=1, extra_data=b"\0"),
        IE_ForwardingParameters(IE_list=[
            IE_DestinationInterface(interface=destination), *parameters]),
    ])


def pdr(number, precedence, pdi, far, *rest, removal=True):
    return IE_CreatePDR(IE_list=[
        IE_PDR_Id(id=number),
        *([IE_Precedence(precedence=precedence)] if precedence else []),
        IE_PDI(IE_list=pdi),
        *([IE_OuterHeaderRemoval(header=6)] if removal else []),
        IE_FAR_Id(id=far),
        *rest,
    ])


def packet_gateway(command):
    """An SMF's establishment; without a QFI, and with the downlink's tunnel known, a PGW-C's."""
    qfi = command.get("qfi")
    qfis = [IE_QFI(QFI=qfi)] if qfi else []
    instance = IE_NetworkInstance(instance="internet")
    qer = IE_QER_Id(id=1)
    ue = {"V4": 1, "V6": 1, "ipv4": command["ipv4"], "ipv6": command["ipv6"]}
    access = IE_SourceInterface(interface="Access")
    solicitation = IE_SDF_Filter(
        FD=1, flow_description="permit out 58 from ff02::2/128 to assigned")
    pdrs = [
        pdr(DL, 65535, [
            IE_SourceInterface(interface="Core"), instance, IE_UE_IP_Address(SD=1, **ue),
            IE_3GPP_InterfaceType(interface_type=N6),
        ], 1, IE_URR_Id(id=1), qer, removal=False),
        pdr(UL, 65535, [
            access, choose(CHOOSE_ID), instance,
            *(qfis or [IE_UE_IP_Address(**ue)]),
            IE_3GPP_InterfaceType(interface_type=N3_3GPP_ACCESS),
        ], 2, qer),
        pdr(CP_TO_UP, 255, [IE_SourceInterface(interface="CP-function"), choose()], 1),
        pdr(UP_TO_CP, 255, [access, choose(CHOOSE_ID), instance, solicitation], 3),
    ]
    if command.get("downlink"):
        downlink = forward(1, "Access", gtpu(**command["downlink"]))
    else:
        downlink = IE_CreateFAR(IE_list=[IE_FAR_Id(id=1), buffer(), IE_BAR_Id(id=1)])
    return [
        *pdrs,
        downlink,
        forward(2, "Core", instance),
        forward(3, "CP-function", gtpu(**command["control"])),
        IE_CreateURR(IE_list=[
            IE_URR_Id(id=1),
            IE_MeasurementMethod(VOLUM=1),
            IE_ReportingTriggers(volume_threshold=1, extra_data=b"\0"),
            IE_VolumeThreshold(TOVOL=1, total=100 << 20),
        ]),
        IE_CreateQER(IE_list=[
            qer, IE_GateStatus(ul="OPEN", dl="OPEN"), IE_MBR(ul=1_000_000, dl=1_000_000), *qfis]),
        IE_Create_BAR(IE_list=[IE_BAR_Id(id=1)]),
        IE_PDNType(pdn_type="IPv4v6"),
        IE_UserId(IMSIF=1, imsi=b"\x99\x99\x70\x00\x00\x00\x00\xf1"),
        IE_APN_DNN(apn_dnn="internet"),
        IE_NotImplemented(ietype=S_NSSAI, data=b"\x01\xff\xff\xff"),
    ]


def serving_gateway(_):
    """An SGW-C's establishment: two tunnels that lead nowhere yet."""
    sides = [(DL, "Core", 1), (UL, "Access", 2)]
    pdrs = [
        pdr(number, None, [
            IE_SourceInterface(interface=source), choose(), IE_NetworkInstance(instance="internet"),
        ], far, removal=False)
        for number, source, far in sides
    ]
    fars = [
        IE_CreateFAR(IE_list=[IE_FAR_Id(id=far), buffer(), IE_BAR_Id(id=1)]) for _, _, far in sides]
    return [*pdrs, *fars, IE_Create_BAR(IE_list=[IE_BAR_Id(id=1)])]


def join(command):
    """The modification that joins an SGW-U's tunnels to the eNB's and the PGW-U's."""
    ies = []
    for number, destination, tunnel in (
        (DL, "Access", command["access"]), (UL, "Core", command["core"]),
    ):
        ies.append(IE_UpdatePDR(IE_list=[
            IE_PDR_Id(id=number), IE_OuterHeaderRemoval(header=6)]))
        ies.append(IE_UpdateFAR(IE_list=[
            IE_FAR_Id(id=number),
            IE_ApplyAction(FORW=1),
            IE_UpdateForwardingParameters(IE_list=[
                IE_DestinationInterface(interface=destination), gtpu(**tunnel)]),
        ]))
    return ies


PROFILES = {"packet gateway": packet_gateway, "serving gateway": serving_gateway}
