"""Panels and dashboards as Grafana stores them (the classic schema), from short descriptions."""

from .colours import BAD, GOOD, KINDS, LEVEL, PLAIN, STATES

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
TASK_PAGE = "taskrun-task"


class Query:
    """One query; `now` asks for this moment alone, so that nothing old is shown as if it were true now."""

    def __init__(self, expr, legend="", now=False, shape=None):
        self.expr, self.legend, self.now, self.shape = expr, legend, now, shape

    def target(self, letter):
        target = {"datasource": SOURCE, "refId": letter, "expr": self.expr, "editorMode": "code"}
        target |= {"instant": True, "range": False} if self.now else {"instant": False, "range": True}
        if self.legend:
            target["legendFormat"] = self.legend
        if self.shape:
            target["format"] = self.shape
        return target


def steps(colours, bounds):
    return {"mode": "absolute", "steps": [{"color": c, "value": b} for c, b in zip(colours, [None, *bounds])]}


def mapping(values):
    """Values to (text, colour)."""
    return [{"type": "value", "options": {str(v): {"text": t, "color": c, "index": i} for i, (v, (t, c)) in enumerate(values.items())}}]


def override(name, regex=False, **properties):
    """Properties of the fields of this name; `custom__width` is `custom.width`."""
    matcher = {"id": "byRegexp" if regex else "byName", "options": name}
    return {"matcher": matcher, "properties": [{"id": k.replace("__", "."), "value": v} for k, v in properties.items()]}


def fixed(colour):
    return {"mode": "fixed", "fixedColor": colour}


def panel(kind, title, description, queries, defaults, options, overrides=(), **more):
    targets = [query.target(letter) for letter, query in zip(LETTERS, queries, strict=False)]
    fields = {"defaults": defaults, "overrides": list(overrides)}
    return {"type": kind, "title": title, "description": description, "datasource": SOURCE, "targets": targets,
            "fieldConfig": fields, "options": options, **more}


def stat(title, description, expr, unit="none", levels=(), unknown="unknown", values=None, colours=None, decimals=None, link=None, over=False):
    """One figure of this moment. `levels`: from where it is worth a look, and from where it is bad."""
    chosen = colours or ([GOOD, BAD] if len(levels) == 1 else LEVEL)
    # What is not known takes the first colour, so that must not be the one for "all is well".
    thresholds = steps([STATES["unknown"], *chosen], [0, *levels]) if levels else steps([PLAIN], [])
    defaults = {"unit": unit, "noValue": unknown, "color": {"mode": "thresholds"}, "thresholds": thresholds, "mappings": mapping(values) if values else []}
    if decimals is not None:
        defaults["decimals"] = decimals
    if link:
        defaults["links"] = [link]
    options = {"colorMode": "background_solid" if levels else "value", "graphMode": "none", "justifyMode": "center", "textMode": "value", "wideLayout": True,
               "orientation": "auto", "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
    return panel("stat", title, description, [Query(expr, now=True)], defaults, options)


def graph(title, description, queries, unit, colours=None, stack=False, bars=False, top=None, limit=None, interval=None, shades=None, regex=(), least=0, decimals=None, empty="no data", log=False):
    """Lines, or bars on each other. `colours`: by the name of a series; `limit`: a dashed line that should not be passed."""
    custom = {"drawStyle": "bars" if bars else "line", "lineWidth": 0 if bars else 1, "fillOpacity": 80 if bars else (25 if stack else 0), "showPoints": "never" if bars or stack else "auto", "pointSize": 4,
              "spanNulls": False, "stacking": {"mode": "normal" if stack else "none", "group": "A"}, "lineInterpolation": "stepAfter" if stack and not interval else "linear"}
    if log:
        custom["scaleDistribution"] = {"type": "log", "log": 10}
    defaults = {"unit": unit, "noValue": empty, "custom": custom, "color": shades or {"mode": "palette-classic"}}
    if least is not None:
        defaults["min"] = least
    if bars or top is not None:
        custom["axisSoftMax"] = 1 if top is None else top
    if decimals is not None:
        defaults["decimals"] = decimals
    if limit is not None:
        custom["thresholdsStyle"] = {"mode": "dashed"}
        defaults["thresholds"] = steps(["transparent", BAD], [limit])
        custom.setdefault("axisSoftMax", limit)
    overrides = [override(name, color=fixed(colour)) for name, colour in (colours or {}).items()] + list(regex)
    options = {"legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
               "tooltip": {"mode": "multi", "sort": "desc"}}
    more = {"interval": interval} if interval else {}
    return panel("timeseries", title, description, queries, defaults, options, overrides, **more)


def timeline(title, description, queries, values, **more):
    """States over time, a row a series; a gap is a time of which nothing is known."""
    defaults = {"unit": "none", "noValue": "nothing is known", "mappings": mapping(values), "color": {"mode": "thresholds"}, "thresholds": steps([STATES["unknown"]], []), "custom": {"lineWidth": 0, "fillOpacity": 85}}
    options = {"showValue": "never", "rowHeight": 0.85, "mergeValues": True, "alignValue": "left", "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom"},
               "tooltip": {"mode": "single", "sort": "none"}}
    return panel("state-timeline", title, description, queries, defaults, options, **more)


def heatmap(title, description, query, unit, empty="no finished run is known"):
    """Buckets over time; the darker, the more runs."""
    defaults = {"unit": unit, "noValue": empty, "custom": {"scaleDistribution": {"type": "linear"}, "hideFrom": {"legend": False, "tooltip": False, "viz": False}}}
    options = {"calculate": False, "cellGap": 1, "cellValues": {"unit": "short", "decimals": 0}, "color": {"mode": "scheme", "scheme": "Blues", "steps": 32, "exponent": 0.5, "fill": "blue", "reverse": False},
               "exemplars": {"color": "rgba(255,120,10,0.8)"}, "filterValues": {"le": 1e-9}, "legend": {"show": True}, "rowsFrame": {"layout": "auto"},
               "showValue": "never", "tooltip": {"mode": "single", "yHistogram": False}, "yAxis": {"axisPlacement": "left", "unit": unit, "reverse": False}}
    return panel("heatmap", title, description, [Query(query, "{{le}}", shape="heatmap")], defaults, options, maxDataPoints=100)


# A cell of which nothing is known.
NOTHING = "–"


class Column:
    """A column of a table: a query, with how its figure is shown."""

    def __init__(self, name, expr, unit="none", width=None, values=None, bounds=None, decimals=None, bar=None):
        self.name, self.expr, self.unit, self.width = name, expr, unit, width
        self.values, self.bounds, self.decimals, self.bar = values, bounds, decimals, bar

    def override(self):
        properties = {"unit": self.unit, "noValue": NOTHING}
        if self.width:
            properties["custom__width"] = self.width
        if self.decimals is not None:
            properties["decimals"] = self.decimals
        if self.values:
            properties |= {"mappings": mapping(self.values), "custom__cellOptions": {"type": "color-text"}}
        if self.bounds:
            properties |= {"thresholds": steps([GOOD, BAD] if len(self.bounds) == 1 else LEVEL, self.bounds), "custom__cellOptions": {"type": "color-text"}}
        if self.bar:
            properties |= {"color": fixed(self.bar), "min": 0, "custom__cellOptions": {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}}
        return override(self.name, **properties)


NAMES = {"task": "Task", "workflow": "Workflow", "project": "Project", "source": "Source", "kind": "Kind", "region": "Region", "state": "State",
         "outcome": "Outcome", "return_code": "Code", "run_id": "Run", "account": "Account", "service": "Service", "action": "Action",
         "version": "Version", "instance": "Instance", "task_type": "Type", "cycle": "Cycle", "owner": "Owner", "workflow_id": "Workflow id", "task_id": "Task id"}
HIDDEN = ["Time", "kind", "source", "region", "project", "workflow", "task", "task_id", "job", "instance", "__name__", "state", "outcome", "return_code", "run_id",
          "task_type", "cycle", "owner", "workflow_id", "account", "service", "action", "version", "host"]
WIDTHS = {"kind": 75, "state": 85, "outcome": 85, "return_code": 60, "region": 120, "source": 105, "service": 80, "account": 80, "project": 170}


def to_task():
    """The link from a row to the page of its task."""
    fields = "&".join(f'var-{label}=${{__data.fields["{NAMES[label]}"]:percentencode}}' for label in ("kind", "source", "project", "workflow", "task"))
    url = f"/d/{TASK_PAGE}?${{datasource:queryparam}}&${{job:queryparam}}&${{instance:queryparam}}&{fields}&${{__url_time_range}}"
    return {"title": "Runs of this task", "url": url, "targetBlank": False}


def table(title, description, labels, columns, sort=None, empty="none", colours=None, widths=None):
    """A row for each set of labels; the columns' queries are joined by them."""
    queries = [Query(column.expr, now=True, shape="table") for column in columns]
    single = len(columns) == 1
    field = lambda at: "Value" if single else f"Value #{LETTERS[at]}"
    renamed = {label: NAMES[label] for label in labels} | {field(at): c.name for at, c in enumerate(columns) if c.name}
    hidden = {name: True for name in HIDDEN if name not in labels} | {field(at): True for at, c in enumerate(columns) if not c.name}
    order = {name: at for at, name in enumerate([*labels, *[field(at) for at in range(len(columns))]])}
    transformations = [{"id": "merge", "options": {}}, {"id": "organize", "options": {"excludeByName": hidden, "renameByName": renamed, "indexByName": order, "includeByName": {}}}]
    overrides = [column.override() for column in columns if column.name]
    for label in labels:
        # An id of digits alone is no number: without this Grafana rounds it.
        properties = {"unit": "string", "noValue": NOTHING}
        if width := (WIDTHS | (widths or {})).get(label):
            properties["custom__width"] = width
        if label == "task":
            properties["links"] = [to_task()]
        if label in ("outcome", "state"):
            properties |= {"mappings": mapping({k: (k, c) for k, c in (colours or {}).items()}), "custom__cellOptions": {"type": "color-text"}}
        if label == "kind":
            properties |= {"mappings": mapping({k: (k, c) for k, c in KINDS.items()}), "custom__cellOptions": {"type": "color-text"}}
        overrides.append(override(NAMES[label], **properties))
    options = {"showHeader": True, "cellHeight": "sm", "sortBy": [{"displayName": sort, "desc": True}] if sort else []}
    defaults = {"unit": "none", "noValue": empty, "custom": {"align": "auto", "filterable": False, "inspect": False, "minWidth": 80}, "color": {"mode": "thresholds"}, "thresholds": steps([PLAIN], [])}
    return panel("table", title, description, queries, defaults, options, overrides, transformations=transformations)


def variable(name, label, family, matchers, everything=".*", all_of_them=True):
    query = f"label_values({family}{{{matchers}}}, {name})" if matchers else f"label_values({family}, {name})"
    made = {"name": name, "label": label, "type": "query", "datasource": SOURCE, "definition": query, "query": {"query": query, "refId": f"variable-{name}"},
            "refresh": 2, "sort": 1, "multi": True, "includeAll": all_of_them, "regex": "", "hide": 0, "skipUrlSync": False, "options": []}
    return made | ({"allValue": everything, "current": {"text": ["All"], "value": ["$__all"]}} if all_of_them else {})


def variables(names, kind=None, one_task=False):
    """The variables, each narrowed by those before it."""
    first = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1, "regex": "", "hide": 0, "multi": False, "includeAll": False, "options": []}
    made = [first, variable("job", "Job", "taskrun_exporter_build_info", "", ".+"),
            variable("instance", "Instance", "taskrun_exporter_build_info", 'job=~"$job"', ".+")]
    matchers = 'job=~"$job", instance=~"$instance"' + (f', kind="{kind}"' if kind else "")
    for name in names:
        family = "taskrun_source_up" if name in ("kind", "source", "project") else "taskrun_consecutive_failures"
        made.append(variable(name, name.capitalize(), family, matchers, all_of_them=not (one_task and name == "task")))
        matchers += f', {name}=~"${name}"'
    return made


def dashboard(uid, title, description, rows, names, kind=None, one_task=False, start="now-6h"):
    """`rows`: (title, [(height, [(width, panel), …]), …]) from top to bottom; what does not fit beside is put below."""
    panels, y, number = [], 0, 0
    for heading, lines in rows:
        number += 1
        panels.append({"type": "row", "id": number, "title": heading, "collapsed": False, "panels": [], "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}})
        y += 1
        for height, line in lines:
            x = 0
            for width, made in line:
                if x + width > 24:
                    x, y = 0, y + height
                number += 1
                panels.append({"id": number, "gridPos": {"x": x, "y": y, "w": width, "h": height}, **made})
                x += width
            y += height
    links = [{"title": "Task runs", "type": "dashboards", "tags": ["taskrun"], "asDropdown": True, "includeVars": True, "keepTime": True, "targetBlank": False,
              "icon": "external link", "tooltip": "The other dashboards, with the same time and choice", "url": ""}]
    return {"uid": uid, "title": f"Task runs / {title}", "description": description, "tags": ["taskrun"], "schemaVersion": 39, "version": 1, "editable": False, "graphTooltip": 1,
            "timezone": "browser", "refresh": "30s", "time": {"from": start, "to": "now"}, "timepicker": {}, "annotations": {"list": []}, "links": links,
            "templating": {"list": variables(names, kind, one_task)}, "panels": panels}
