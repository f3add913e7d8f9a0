"""URRs, and what the UPF reports of them, by scapy's information elements."""

import time

from scapy.contrib.pfcp import *  # noqa: F403: scapy's style

QUOTA_VALIDITY_TIME = 181
# What scapy does not know of Reporting Triggers (octet 6, its spare bits) and Usage Report Trigger (octet 7).
ASKED_QUVTI, QUVTI = 2, 8
REPORTS = (IE_UsageReport_SRR, IE_UsageReport_SMR, IE_UsageReport_SDR)
NTP_EPOCH = 2208988800


def urr(rule):
    """id, threshold and quota (octets of both directions), validity (seconds); 0 for none."""
    return IE_CreateURR(IE_list=[
        IE_URR_Id(id=rule["id"]),
        IE_MeasurementMethod(VOLUM=1),
        IE_ReportingTriggers(
            volume_threshold=int(rule["threshold"] > 0), volume_quota=int(rule["quota"] > 0),
            spare=ASKED_QUVTI if rule["validity"] else 0),
        *granted(rule),
    ])


def refill(rule):
    return IE_UpdateURR(IE_list=[IE_URR_Id(id=rule["id"]), *granted(rule)])


def granted(rule):
    ies = []
    if rule["threshold"]:
        ies.append(IE_VolumeThreshold(TOVOL=1, total=rule["threshold"]))
    if rule["quota"]:
        ies.append(IE_VolumeQuota(TOVOL=1, total=rule["quota"]))
    if rule["validity"]:
        seconds = rule["validity"].to_bytes(4, "big")
        ies.append(IE_NotImplemented(ietype=QUOTA_VALIDITY_TIME, data=seconds))
    return ies


def usage(message):
    """What a message's usage reports say, and when it came."""
    return [described(ie) for ie in message.payload.IE_list if isinstance(ie, REPORTS)]


def described(report):
    ies = {type(ie): ie for ie in report.IE_list}
    volume, trigger = ies[IE_VolumeMeasurement], ies[IE_UsageReportTrigger]
    if not (volume.TOVOL and volume.ULVOL and volume.DLVOL):
        raise RuntimeError("a volume is missing")
    triggers = [name for name in ("VOLTH", "VOLQU", "IMMER", "TERMR") if getattr(trigger, name)]
    if trigger.extra_data and trigger.extra_data[0] & QUVTI:
        triggers.append("QUVTI")
    return {
        "urr": ies[IE_URR_Id].id,
        "sequence": ies[IE_UR_SEQN].number,
        "triggers": triggers,
        "total": volume.total, "uplink": volume.uplink, "downlink": volume.downlink,
        "start": ies[IE_StartTime].timestamp - NTP_EPOCH,
        "end": ies[IE_EndTime].timestamp - NTP_EPOCH,
        "came": time.monotonic(),
    }
