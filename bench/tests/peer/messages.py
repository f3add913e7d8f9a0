"""PFCP messages made of scapy's, one a line: a name and hex digits. What they mean stands in pfcp/scapy_bodies.rs."""

from scapy.contrib.pfcp import *  # noqa: F403: scapy's style

STAMP = 0xEE000000
NODE = IE_NodeId(id_type=0, ipv4="10.100.0.1")


def usage_report(kind):
    return kind(IE_list=[
        IE_URR_Id(id=7),
        IE_UR_SEQN(number=3),
        IE_UsageReportTrigger(VOLTH=1, TERMR=1),
        IE_StartTime(timestamp=STAMP),
        IE_EndTime(timestamp=STAMP + 60),
        IE_VolumeMeasurement(TOVOL=1, ULVOL=1, DLVOL=1, total=3000, uplink=1000, downlink=2000),
        IE_DurationMeasurement(duration=60),
    ])


pdr = IE_CreatePDR(IE_list=[
    IE_PDR_Id(id=1),
    IE_Precedence(precedence=255),
    IE_PDI(IE_list=[
        IE_SourceInterface(interface=0),
        IE_FTEID(CHID=1, CH=1, V6=1, V4=1, choose_id=5),
        IE_NetworkInstance(instance="internet"),
        IE_UE_IP_Address(SD=1, V4=1, ipv4="10.45.0.2"),
        IE_SDF_Filter(
            FD=1, TTC=1, BID=1, flow_description="permit out 17 from any 53 to assigned",
            tos_traffic_class=0x28, tos_traffic_mask=0xFC, sdf_filter_id=77,
        ),
        IE_ApplicationId(id="video"),
        IE_QFI(QFI=9),
        IE_FramedRoute(framed_route="192.0.2.0/24"),
        IE_3GPP_InterfaceType(interface_type=11),
    ]),
    IE_OuterHeaderRemoval(header=0),
    IE_FAR_Id(id=3),
    IE_URR_Id(id=7),
    IE_QER_Id(id=4),
    IE_ActivatePredefinedRules(name="gold"),
])
far = IE_CreateFAR(IE_list=[
    IE_FAR_Id(id=3),
    IE_ApplyAction(FORW=1),
    IE_ForwardingParameters(IE_list=[
        IE_DestinationInterface(interface=1),
        IE_NetworkInstance(instance="internet"),
        IE_RedirectInformation(type=2, address="http://a.example/"),
        IE_TransportLevelMarking(tos=0x28, traffic_class=0xFC),
        IE_TrafficEndpointId(id=5),
    ]),
    IE_BAR_Id(id=6),
])
urr = IE_CreateURR(IE_list=[
    IE_URR_Id(id=7),
    IE_MeasurementMethod(VOLUM=1),
    IE_ReportingTriggers(volume_threshold=1, time_quota=1),
    IE_VolumeThreshold(TOVOL=1, total=100_000_000),
    IE_TimeQuota(quota=60),
    IE_LinkedURR_Id(id=9),
])
qer = IE_CreateQER(IE_list=[
    IE_QER_Id(id=4),
    IE_QERCorrelationId(id=44),
    IE_GateStatus(ul=0, dl=1),
    IE_MBR(ul=1_000_000, dl=2_000_000),
    IE_PacketRate(ULPR=1, ul_time_unit=2, ul_max_packet_rate=100),
    IE_QFI(QFI=9),
    IE_RQI(RQI=1),
    IE_AveragingWindow(averaging_window=2000),
])
bar = IE_Create_BAR(IE_list=[
    IE_BAR_Id(id=6),
    IE_DownlinkDataNotificationDelay(delay=2),
    IE_SuggestedBufferingPacketsCount(count=100),
])
endpoint = IE_CreateTrafficEndpoint(IE_list=[
    IE_TrafficEndpointId(id=5),
    IE_FTEID(CH=1, V4=1),
    IE_NetworkInstance(instance="access.example"),
])
update_far = IE_UpdateFAR(IE_list=[
    IE_FAR_Id(id=3),
    IE_ApplyAction(FORW=1),
    IE_UpdateForwardingParameters(IE_list=[
        IE_DestinationInterface(interface=0),
        IE_OuterHeaderCreation(GTPUUDPIPV4=1, TEID=0xABCD, ipv4="10.1.0.10"),
        IE_PFCPSMReqFlags(SNDEM=1),
    ]),
])
messages = [
    PFCPHeartbeatRequest(IE_list=[IE_RecoveryTimeStamp(timestamp=STAMP)]),
    PFCPAssociationSetupRequest(IE_list=[
        IE_NodeId(id_type=2, id="smf.example.org"),
        IE_RecoveryTimeStamp(timestamp=STAMP),
        IE_CPFunctionFeatures(LOAD=1, OVRL=1),
    ]),
    PFCPAssociationUpdateRequest(IE_list=[
        NODE,
        IE_PFCPAssociationReleaseRequest(SARR=1),
        IE_GracefulReleasePeriod(release_timer_unit=1, release_timer_value=15),
    ]),
    PFCPPFDManagementRequest(IE_list=[
        IE_ApplicationID_PFDs(IE_list=[
            IE_ApplicationId(id="video"),
            IE_PFDContext(IE_list=[
                IE_PFDContents(FD=1, URL=1, flow="permit out ip from 1.2.3.4 to any", url="http://a.example/"),
            ]),
        ]),
    ]),
    PFCPNodeReportRequest(IE_list=[
        NODE,
        IE_NodeReportType(UPFR=1),
        IE_UserPlanePathFailureReport(IE_list=[IE_RemoteGTP_U_Peer(V4=1, ipv4="10.1.0.10")]),
    ]),
    PFCPSessionSetDeletionRequest(IE_list=[
        NODE,
        IE_FqCSID(node_id_type=0, num_csids=2, ipv4="10.100.0.1", csids=[1, 2]),
    ]),
    PFCPSessionEstablishmentRequest(IE_list=[
        NODE,
        IE_FSEID(v4=1, seid=0x01020304, ipv4="10.100.0.1"),
        pdr, far, urr, qer, bar, endpoint,
        IE_PDNType(pdn_type=1),
        IE_UserPlaneInactivityTimer(timer=3600),
        IE_UserId(IMSIF=1, NAIF=1, imsi=bytes.fromhex("00010121436587f9"), nai="ue@example.org"),
        IE_APN_DNN(apn_dnn="internet"),
    ]),
    PFCPSessionModificationRequest(IE_list=[
        IE_RemovePDR(IE_list=[IE_PDR_Id(id=11)]),
        IE_RemoveURR(IE_list=[IE_URR_Id(id=13)]),
        IE_Remove_BAR(IE_list=[IE_BAR_Id(id=15)]),
        IE_RemoveTrafficEndpoint(IE_list=[IE_TrafficEndpointId(id=16)]),
        IE_UpdatePDR(IE_list=[IE_PDR_Id(id=1), IE_FAR_Id(id=4), IE_DeactivatePredefinedRules(name="gold")]),
        update_far,
        IE_PFCPSMReqFlags(QUARR=1),
        IE_QueryURR(IE_list=[IE_URR_Id(id=7)]),
        IE_QueryURRReference(reference=19),
    ]),
    PFCPSessionDeletionResponse(IE_list=[IE_Cause(cause=1), usage_report(IE_UsageReport_SDR)]),
    PFCPSessionReportRequest(IE_list=[
        IE_ReportType(DLDR=1, USAR=1, ERIR=1, UPIR=1),
        IE_DownlinkDataReport(IE_list=[
            IE_PDR_Id(id=1),
            IE_DownlinkDataServiceInformation(PPI=1, QFII=1, ppi_val=3, qfi_val=9),
        ]),
        usage_report(IE_UsageReport_SRR),
        IE_ErrorIndicationReport(IE_list=[IE_FTEID(V4=1, TEID=0x11, ipv4="10.1.0.2")]),
    ]),
    PFCPSessionReportResponse(IE_list=[
        IE_Cause(cause=1),
        IE_UpdateBAR_SRR(IE_list=[
            IE_BAR_Id(id=6),
            IE_DownlinkDataNotificationDelay(delay=2),
            IE_DLBufferingDuration(timer_unit=0, timer_value=15),
            IE_DLBufferingSuggestedPacketCount(count=20),
        ]),
        IE_PFCPSRRspFlags(DROBU=1),
    ]),
]
for message in messages:
    session = {"S": 1, "seid": 0x99} if "Session" in type(message).__name__ else {"S": 0}
    if isinstance(message, PFCPSessionSetDeletionRequest):
        session = {"S": 0}
    print(type(message).__name__, bytes(PFCP(seq=1, **session) / message).hex())
