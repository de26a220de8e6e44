"""Drives a running simulator as its users' programs would: with the official Tencent Cloud SDK, and with an
EnOS client that knows nothing but the documents. Usage: sdk.py HOST:PORT

The simulator's clock is frozen first (POST /clock), so that what is read can be held against /truth.
Prints one line per check; exits 1 where one failed.
"""

import hashlib
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from datetime import datetime, timedelta, timezone

from tencentcloud.common import credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.scf.v20180416 import models as scf, scf_client
from tencentcloud.tat.v20201028 import models as tat, tat_client
from tencentcloud.wedata.v20210820 import models as wedata, wedata_client

SECRET_ID, SECRET_KEY = "AKIDSIMULATOR00000000000000000000001", "simulatorSecretKey00000000000001"
SESSION = ("AKIDSIMULATORSESSION0000000000000001", "simulatorSessionKey0000000000001", "simulator-session-token")
ENOS_KEY, ENOS_SECRET = "51a10000-0000-4000-8000-000000000001", "51a20000-0000-4000-8000-000000000002"
ORG, USER, GUEST = "o15000000000001", "u15000000000001", "u15000000000002"
CHINA = timezone(timedelta(hours=8))
REGIONS = ["ap-guangzhou", "ap-shanghai"]

ADDRESS = sys.argv[1]
failures = 0


def check(name, good, seen=""):
    global failures
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'} {name}{'' if good else f': {seen}'}")


def equal(name, left, right):
    check(name, left == right, f"{left!r} is not {right!r}")


def own(path, method="GET"):
    with urllib.request.urlopen(urllib.request.Request(f"http://{ADDRESS}{path}", method=method)) as answer:
        return json.load(answer)


# A whole second: most of the clouds write no finer times.
NOW = own("/clock")["now"] // 1000 * 1000
own(f"/clock?freeze={NOW}", "POST")
HOUR = 3600_000
FROM = NOW - HOUR


def truth(kind):
    """What ended in the last hour: a row for each task and outcome, with every run."""
    return own(f"/truth?kind={kind}&from={FROM}&to={NOW}&runs=1")["rows"]


def plain(millis):
    return datetime.fromtimestamp(millis / 1000, CHINA).strftime("%Y-%m-%d %H:%M:%S")


def client(module, name, region, method="POST", keys=(SECRET_ID, SECRET_KEY)):
    profile = HttpProfile(protocol="http", endpoint=ADDRESS, reqMethod=method, reqTimeout=30)
    return getattr(module, name)(credential.Credential(*keys), region, ClientProfile(httpProfile=profile))


def call(call_it, request):
    """Polite: below 5 calls a second, the lowest of all documented limits."""
    time.sleep(0.21 if isinstance(request, scf.GetFunctionLogsRequest) else 0.06)
    return call_it(request)


def request(kind, **fields):
    made = kind()
    made.from_json_string(json.dumps(fields))
    return made


def refusal(name, code, call_it, made):
    try:
        call(call_it, made)
        check(name, False, "no error")
    except TencentCloudSDKException as error:
        equal(name, error.code, code)


def test_wedata():
    anywhere = client(wedata_client, "WedataClient", REGIONS[0])
    projects = call(anywhere.DescribeTenantProjects, request(wedata.DescribeTenantProjectsRequest, PageNumber=1, PageSize=50))
    equal("wedata: a tenant of three projects", projects.Data.TotalCount, 3)
    equal("wedata: one of them is disabled", [row.Status for row in projects.Data.Rows].count(0), 1)
    counted, expected = Counter(), Counter()
    for row in truth("wedata"):
        for run in row["runs"]:
            key, _, number = run["run"].partition("#")
            expected[key, int(number or 0)] += 1
    for project in (row for row in projects.Data.Rows if row.Status == 1):
        api = client(wedata_client, "WedataClient", project.Region)
        window = dict(ProjectId=project.ProjectId, ScheduleTimeFrom=plain(NOW - 48 * HOUR),
                      ScheduleTimeTo=plain(NOW + 48 * HOUR), LastUpdateTimeFrom=plain(FROM),
                      ScheduleTimeZone="UTC+8", PageSize=200)
        rows, page = [], 1
        while True:
            data = call(api.ListInstances, request(wedata.ListInstancesRequest, PageNumber=page, **window)).Data
            rows += data.Items
            if page >= data.TotalPage:
                break
            page += 1
        equal(f"wedata: {project.ProjectId}: TotalCount is the number of rows", data.TotalCount, len(rows))
        for row in rows:
            named = dict(ProjectId=project.ProjectId, InstanceKey=row.InstanceKey)
            detail = call(api.GetTaskInstance, request(wedata.GetTaskInstanceRequest, **named)).Data
            lives = detail.InstanceLifeCycleList
            if (detail.InstanceState, detail.TotalRunNum) != (row.InstanceState, len(lives)):
                check(f"wedata: {row.InstanceKey}: list and detail agree", False, detail.InstanceState)
            for life in lives:
                final = [phase for phase in life.LifeCycleDetailList if phase.DetailState in ("COMPLETE", "EXPIRED", "SKIP_RUNNING")]
                if final and plain(FROM) <= final[0].StartTime <= plain(NOW):
                    counted[row.InstanceKey, life.LifeRoundNum] += 1
        done = [row for row in rows if row.InstanceState == 2]
        test_log(api, project.ProjectId, done)
        refusal("wedata: PageSize 201", "InvalidParameterValue", api.ListInstances,
                request(wedata.ListInstancesRequest, **{**window, "PageSize": 201}))
    check("wedata: some runs ended in the last hour", len(expected) > 50, len(expected))
    equal("wedata: every run that ended is found, once", counted, expected)
    nothing = request(wedata.GetTaskInstanceRequest, ProjectId=projects.Data.Rows[0].ProjectId, InstanceKey="1_2025-03-28 00:00:00")
    equal("wedata: an unknown instance is null", call(anywhere.GetTaskInstance, nothing).Data, None)
    refusal("wedata: somebody else's project", "UnauthorizedOperation.UserNotInProject", anywhere.GetTaskInstance,
            request(wedata.GetTaskInstanceRequest, ProjectId="1", InstanceKey="1_2025-03-28 00:00:00"))


def test_log(api, project, rows):
    pages = []
    # The longest runs write the longest logs.
    for row in sorted(rows, key=lambda row: row.CostTime, reverse=True)[:8]:
        named = dict(ProjectId=project, InstanceKey=row.InstanceKey)
        life = call(api.GetTaskInstance, request(wedata.GetTaskInstanceRequest, **named)).Data.InstanceLifeCycleList[-1]
        named |= dict(LifeRoundNum=life.LifeRoundNum, ExecutionJobId=life.ExecutionJobId, OriginFileName=life.OriginFileName, BrokerIp=life.BrokerIp)
        named = {name: value for name, value in named.items() if value is not None}
        cursor, lines, count = {}, 0, 0
        while True:
            data = call(api.GetInstanceLog, request(wedata.GetInstanceLogRequest, **named, **cursor)).Data
            equal_lines = len(data.LogInfo.splitlines()) == data.LineCount
            lines, count = lines + data.LineCount, count + 1
            if data.IsEnd or not equal_lines:
                break
            cursor = {"ExtInfo": data.ExtInfo}
        whole = equal_lines and lines > 0
        if not whole:
            check(f"wedata: log of {row.InstanceKey}", whole, lines)
        pages.append(count)
    check(f"wedata: {project}: logs are read to their end", bool(pages) and max(pages) > 1, pages)


def test_tat():
    for region in REGIONS:
        api = client(tat_client, "TatClient", region)
        names = {row.CommandId: row.CommandName
                 for row in call(api.DescribeCommands, request(tat.DescribeCommandsRequest, Limit=100)).CommandSet}
        # An invocation may have been made long before it ends.
        tasks, seen, offset, oldest = [], 0, 0, plain(NOW - 8 * HOUR)
        while True:
            answer = call(api.DescribeInvocations, request(tat.DescribeInvocationsRequest, Limit=100, Offset=offset))
            ids = [row.InvocationId for row in answer.InvocationSet]
            for five in (ids[n:n + 5] for n in range(0, len(ids), 5)):
                filters = [{"Name": "invocation-id", "Values": five}]
                tasks += call(api.DescribeInvocationTasks, request(tat.DescribeInvocationTasksRequest, Filters=filters, Limit=100)).InvocationTaskSet
            created = answer.InvocationSet[-1].CreatedTime.replace("T", " ")[:19]
            seen, offset = seen + len(ids), offset + 100
            if created < (datetime.strptime(oldest, "%Y-%m-%d %H:%M:%S") - timedelta(hours=8)).isoformat(" "):
                break
        check(f"tat: {region}: a long history", answer.TotalCount > seen, answer.TotalCount)
        start, end = (datetime.fromtimestamp(at / 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") for at in (FROM, NOW))
        counted = Counter((names.get(task.CommandId, task.CommandId), task.InstanceId, task.InvocationTaskId)
                          for task in tasks if task.EndTime and start <= task.EndTime <= end)
        expected = Counter((row["workflow"], row["task"], run["run"])
                           for row in truth("tat") if row["region"] == region for run in row["runs"])
        check(f"tat: {region}: some ended in the last hour", len(expected) > 10, len(expected))
        equal(f"tat: {region}: every task that ended is found, once", counted, expected)
        again = call(api.DescribeInvocations, request(tat.DescribeInvocationsRequest, InvocationIds=ids, Limit=100))
        equal(f"tat: {region}: found by id", [row.InvocationId for row in again.InvocationSet], ids)
        only = [{"Name": "command-id", "Values": [tasks[0].CommandId]}]
        found = call(api.DescribeInvocations, request(tat.DescribeInvocationsRequest, Filters=only, Limit=5))
        equal(f"tat: {region}: a filter selects", {row.CommandId for row in found.InvocationSet}, {tasks[0].CommandId})
        refusal(f"tat: {region}: ids and filters", "InvalidParameter.ConflictParameter", api.DescribeInvocations,
                request(tat.DescribeInvocationsRequest, InvocationIds=ids[:1], Filters=only))
        refusal(f"tat: {region}: an unknown filter", "InvalidParameterValue.InvalidFilter", api.DescribeInvocations,
                request(tat.DescribeInvocationsRequest, Filters=[{"Name": "x", "Values": ["y"]}]))
        flat = client(tat_client, "TatClient", region, method="GET")
        by_get = call(flat.DescribeInvocations, request(tat.DescribeInvocationsRequest, Filters=only, Limit=5))
        equal(f"tat: {region}: GET says what POST says", [r.InvocationId for r in by_get.InvocationSet], [r.InvocationId for r in found.InvocationSet])


def test_scf():
    # Runs that began before the hour and ended in it would need a longer window: both sides count by start.
    expected = Counter()
    for row in truth("scf"):
        for run in row["runs"]:
            if run["started"] >= FROM:
                expected[row["region"], row["project"], row["task"], run["run"]] += 1
    counted = Counter()
    for region in REGIONS:
        api = client(scf_client, "ScfClient", region)
        namespaces = call(api.ListNamespaces, request(scf.ListNamespacesRequest, Limit=100)).Namespaces
        equal(f"scf: {region}: two namespaces", sorted(row.Name for row in namespaces), ["default", "etl"])
        for namespace in namespaces:
            listed = call(api.ListFunctions, request(scf.ListFunctionsRequest, Namespace=namespace.Name, Limit=100))
            equal(f"scf: {region}/{namespace.Name}: all listed", len(listed.Functions), listed.TotalCount)
            for function in listed.Functions:
                window = dict(FunctionName=function.FunctionName, Namespace=namespace.Name,
                              StartTime=plain(FROM), EndTime=plain(NOW))
                offset = 0
                while True:
                    answer = call(api.GetFunctionLogs, request(scf.GetFunctionLogsRequest, Offset=offset, Limit=1000, **window))
                    for row in answer.Data:
                        if row.RetCode != 2:
                            run = row.RequestId + (f"#{row.RetryNum}" if row.RetryNum else "")
                            counted[region, namespace.Name, row.FunctionName, run] += 1
                    offset += len(answer.Data)
                    if offset >= answer.TotalCount:
                        break
    check("scf: some ended in the last hour", len(expected) > 500, len(expected))
    equal("scf: every run that ended is found, once", counted, expected)
    for name, changed, code in [
        ("one time alone", {"EndTime": None}, "InvalidParameterValue.StartTimeOrEndTime"),
        ("more than a day", {"StartTime": plain(NOW - 25 * HOUR)}, "InvalidParameterValue.StartTimeOrEndTime"),
        ("ISO 8601", {"StartTime": "2026-03-01T00:00:00Z"}, "InvalidParameterValue.DateTime"),
        ("row 10001", {"Offset": 10000, "Limit": 1}, "LimitExceeded.Offset"),
        ("an unknown function", {"FunctionName": "nobody"}, "ResourceNotFound.FunctionName"),
    ]:
        fields = {name: value for name, value in {**window, **changed}.items() if value is not None}
        refusal(f"scf: {name}", code, api.GetFunctionLogs, request(scf.GetFunctionLogsRequest, **fields))


def test_keys():
    made = request(scf.ListNamespacesRequest)
    for name, keys, code in [
        ("an unknown secret id", ("AKIDNOBODY", SECRET_KEY), "AuthFailure.SecretIdNotFound"),
        ("a wrong key", (SECRET_ID, "wrong"), "AuthFailure.SignatureFailure"),
        ("a wrong token", (*SESSION[:2], "wrong"), "AuthFailure.TokenFailure"),
    ]:
        refusal(f"tc3: {name}", code, client(scf_client, "ScfClient", REGIONS[0], keys=keys).ListNamespaces, made)
    session = client(scf_client, "ScfClient", REGIONS[0], keys=SESSION)
    equal("tc3: temporary keys", call(session.ListNamespaces, made).TotalCount, 2)
    refusal("tc3: an unknown region", "UnsupportedRegion", client(scf_client, "ScfClient", "mars-1").ListNamespaces, made)
    own(f"/clock?freeze={NOW - 310_000}", "POST")
    refusal("tc3: a clock that is off", "AuthFailure.SignatureExpire", session.ListNamespaces, made)
    own(f"/clock?freeze={NOW}", "POST")


class Enos:
    """A client of EnOS from its documents: token service v2.0 and the signature of signed calls."""

    def __init__(self, secret=ENOS_SECRET, user=USER):
        self.secret, self.user, self.token = secret, user, None
        # Never the same millisecond twice: the service refuses a second use.
        self.stamp = NOW + int(time.time_ns() // 1_000_000 % 60_000)

    def send(self, method, path, query, body, headers):
        # %20 for a space, as the documents want it.
        text = urllib.parse.urlencode(query, quote_via=urllib.parse.quote)
        made = urllib.request.Request(f"http://{ADDRESS}{path}?{text}", method=method, data=body,
                                      headers={"Content-Type": "application/json;charset=UTF-8", **headers})
        try:
            with urllib.request.urlopen(made) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def login(self):
        self.stamp += 1
        encryption = hashlib.sha256(f"{ENOS_KEY}{self.stamp}{self.secret}".encode()).hexdigest()
        body = json.dumps({"appKey": ENOS_KEY, "encryption": encryption, "timestamp": self.stamp}).encode()
        status, answer = self.send("POST", "/apim-token-service/v2.0/token/get", {}, body, {})
        self.token = (answer.get("data") or {}).get("accessToken")
        return status, answer

    def call(self, method, path, body=None, sign=True, **query):
        query |= {"orgId": ORG, "userId": self.user}
        body = json.dumps(body, ensure_ascii=False, indent=1).encode() if body is not None else None
        plain_query = "".join(key + str(query[key]) for key in sorted(query))
        text = f"{self.token}{plain_query}{body.decode() if body else ''}{self.stamp}{self.secret if sign else 'wrong'}"
        headers = {"apim-accesstoken": self.token, "apim-timestamp": str(self.stamp),
                   "apim-signature": hashlib.sha256(text.encode()).hexdigest()}
        time.sleep(0.06)
        return self.send(method, f"/batch-processing-service/v2.1/{path}", query, body, headers)


def test_enos():
    enos = Enos()
    status, answer = enos.login()
    equal("enos: a token", (status, answer["status"], answer["data"]["expire"] > 0), (200, 0, True))
    first = enos.token
    enos.login()
    equal("enos: the same token while it lives", enos.token, first)
    equal("enos: a wrong secret", Enos("wrong").login()[1]["status"], 1003)
    equal("enos: its zone", enos.call("GET", "time", action="getTimeZone")[1]["data"], {"timezone": "GMT+8"})
    counted = Counter()
    # 26 h: the longest flow and a day of ids in advance; what ended in the hour was triggered in these.
    for kind in (0, 1, 2):
        page, ids = 0, set()
        while True:
            body = {"type": kind, "owner": "", "status": "", "expression": "", "fromTriggerTime": NOW - 26 * HOUR,
                    "toTriggerTime": NOW, "pagination": {"pageNo": page, "pageSize": 50}}
            code, answer = enos.call("POST", "flowInstances", body, action="search")
            new = {row["instanceId"]: row for row in answer["data"]["flowInsts"]}
            for identity, row in new.items():
                # What ended long ago has nothing to tell about the last hour.
                if identity in ids or (row["endTime"] and row["endTime"] < plain(FROM)):
                    continue
                full = enos.call("GET", "flowInstances", action="get", flowInstId=identity)[1]["data"]
                names = [task["task_name"] for task in json.loads(row["graph"])["tasks"]]
                nodes = json.loads(full["graph"])["tasks"]
                if names != [task["taskName"] for task in nodes]:
                    check(f"enos: {identity}: both graphs agree", False, names)
                for node in nodes:
                    task = enos.call("GET", "taskInstances", action="get", taskInstId=node["taskInstId"])[1]["data"]
                    if task["endTime"] and plain(FROM) <= task["endTime"] <= plain(NOW):
                        counted[row["flowName"], task["taskName"], f"{task['instanceId']}#{task['runNum']}"] += 1
            ids |= set(new)
            page += 1
            if len(new) < 50:
                break
        equal(f"enos: flows of type {kind}: count is the total", answer["data"]["count"], len(ids))
    # A run that another took the place of by now is not to be found any more.
    expected = Counter((row["workflow"], row["task"], run["run"]) for row in truth("enos") for run in row["runs"]
                       if run["gone"] is None or run["gone"] > NOW)
    check("enos: some ended in the last hour", len(expected) > 20, len(expected))
    equal("enos: every run that ended is found, once", counted, expected)
    equal("enos: an unknown id", enos.call("GET", "taskInstances", action="get", taskInstId="1-2021020211")[1]["code"], 62102)
    equal("enos: a name with a space and signs", enos.call("GET", "taskInstances", action="get", taskInstId="a b+c&d=每")[1]["code"], 62102)
    equal("enos: deletion is refused", enos.call("GET", "flows", action="delete", flowId="1")[1]["code"], 62103)
    equal("enos: a wrong signature", enos.call("GET", "time", sign=False, action="getTimeZone")[0], 401)
    guest = Enos(user=GUEST)
    guest.token = first
    equal("enos: no privilege", guest.call("GET", "taskInstances", action="get", taskInstId="1-2021020211")[1]["code"], 62103)


for test in (test_keys, test_wedata, test_tat, test_scf, test_enos):
    test()
tallies = own("/calls")["calls"]
equal("no call was one too many", sum(row["refused"] for row in tallies.values()), 0)
own("/clock?release=1", "POST")
print(f"{failures} failed")
sys.exit(1 if failures else 0)
