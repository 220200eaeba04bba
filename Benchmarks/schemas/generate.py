#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/schemas/*.json, one for each document that `--format json` prints, from the Swift sources.

A struct that is encoded gives an object: its stored properties under the names of its CodingKeys, the
sentence above each as the description, optional ones not required. An enum of strings gives its words.
What encodes itself is written down below by hand. docs/schemas/tuning-table.json is written by hand.
`SchemaTests` hold what the program prints against the files.

Usage: generate.py [--smoke] [DIRECTORY]; --smoke writes to a temporary directory.
"""

import json
import pathlib
import re
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOMS = ["Quantities", "PageTables", "Observations", "Policies", "Profiles", "Operations", "Campaigns",
         "CostModels", "Search", "Calibration", "Tuning", "Reports", "s2tune"]
INTEGERS = {"Int", "Int64", "UInt64", "Nanoseconds", "ByteCount", "BitRate"}

# Documents: what is encoded, what of it is at the top, and a sentence.
DOCUMENTS = {
    "calibrate": ("CalibrateCommand.Answer", "A host's costs, present and fitted."),
    "campaign-compare": ("CampaignComparison", "What differs between runs that are alike but for one thing."),
    "campaign-gc": ("StoreCleaning", "What was taken out of a store."),
    "campaign-status": ("StoreStatus", "How far campaigns are, who is at work, and what failed."),
    "count": ("CountCommand.Answer", "The events of stage-2 operations, and whether the policy is safe."),
    "doctor": ("Installation", "What an installation is made of, and what of it is not as it should be."),
    "evaluate-answers": ("AnswerQuality", "Whether recommendations hold in whole runs of fresh seeds."),
    "evaluate-model": ("ModelEvaluation", "The errors of the cost model on runs that no fit has seen."),
    "evaluate-search": ("RegretQuality", "Recommendations beside the best that an independent search finds."),
    "evaluate-strategies": ("SearchQuality", "How near searches come to the best of whole spaces."),
    "evaluate-sensitivity": ("EvaluateSensitivity.Document", "Which knobs matter for which response."),
    "fit": ("ModelSummary", "A fitted model's origin and errors."),
    "host-detect": ("DetectHost.Document", "What a machine's files say of it, and its profile."),
    "instructions": ({"models": "InstructionModel"}, "What each stage-2 event costs in instructions."),
    "observe": ("ObserveCommand.Document", "What recorded files set, show and leave open."),
    "pareto": ("ParetoDocument", "The policies that no other beats in all objectives."),
    "policy": ("PolicyGrammar", "How a policy is written."),
    "profiles-keys": ({"keys": "ListKeys.Row"}, "Every key that a profile or --set takes."),
    "profiles-list": ({"profiles": "ProfileRow"}, "Every profile with its summary."),
    "profiles-show": ({"values": "ShowProfile.Row"}, "Every value of a profile with its source."),
    "recommend": ("RecommendDocument", "A recommendation."),
    "recommend-robust": ("RobustChoice", "The one constant of a kernel over many hosts and workloads."),
    "recommend-variants": ("RecommendCommand.VariantDocument",
                           "The recommendation under each possibility of what is unknown."),
    "report": ("AnswerReport", "A recommendation with everything that stands behind it."),
    "simulate": (("RunReport", {"context": "AnswerContext"}), "What one run measured."),
    "table-diff": ({"changes": "TableChange"}, "What differs between two tables."),
    "table-verify": ({"entries": "VerifiedEntry"}, "A table's policies, run again with fresh chance."),
    "validate": ("ValidateCommand.Answer", "The simulator against real kernels and measurements."),
    "what-if": ("WhatIfCommand.Document", "What policies do, without a recommendation."),
}
COMMANDS = {
    "campaign-compare": "campaign compare", "campaign-gc": "campaign gc",
    "campaign-status": "campaign status", "evaluate-answers": "evaluate answers", "evaluate-model": "evaluate model",
    "evaluate-search": "evaluate search", "evaluate-strategies": "evaluate strategies",
    "evaluate-sensitivity": "evaluate sensitivity",
    "profiles-keys": "profiles keys", "profiles-list": "profiles list", "profiles-show": "profiles show",
    "recommend-robust": "recommend --robust", "recommend-variants": "recommend --unknown", "table-diff": "table diff", "table-verify": "table verify",
}


class Sources:
    """The encoded structs and the enums of strings, by their qualified names."""

    def __init__(self):
        self.structs, self.enums = {}, {}
        for room in ROOMS:
            for file in sorted((ROOT / "Sources" / room).rglob("*.swift")):
                self.read(file.read_text())

    def read(self, text):
        scope, doc, depth, keys = [], [], 0, None
        for line in text.split("\n"):
            bare = line.strip()
            if bare.startswith("///"):
                doc.append(bare[3:].strip())
                continue
            if bare.startswith("@"):
                continue
            opened = line.count("{") - line.count("}")
            kind = re.match(r"(?:package |public |private |final |fileprivate )*(struct|enum|extension|class) "
                            r"([\w.]+)(?:<[^>]*>)?(?:: ([^{]*))?", bare)
            if kind and opened > 0:
                name = ".".join([s[0] for s in scope] + [kind[2]])
                if kind[1] == "enum" and kind[2] == "CodingKeys":
                    keys = self.structs.get(".".join(s[0] for s in scope))
                    if keys is not None:
                        keys["keys"] = {}
                elif kind[1] == "enum" and "String" in (kind[3] or "").split(","):
                    self.enums[name] = []
                elif kind[1] == "enum" and (kind[3] or "").startswith("String"):
                    self.enums[name] = []
                elif kind[1] == "struct" and re.search("Encodable|Codable", kind[3] or ""):
                    self.structs[name] = {"properties": [], "keys": None, "doc": self.sentence(doc)}
                scope.append((kind[2], depth, kind[1]))
                depth += opened
                doc = []
                continue
            here = ".".join(s[0] for s in scope)
            inside = scope and depth == scope[-1][1] + 1
            if inside and bare.startswith("case ") and scope[-1][0] == "CodingKeys" and keys is not None:
                self.cases(bare[5:], keys["keys"])
                self.pending = keys["keys"] if bare.endswith(",") else None
            elif inside and getattr(self, "pending", None) is not None and scope[-1][0] == "CodingKeys":
                self.cases(bare, self.pending)
                self.pending = self.pending if bare.endswith(",") else None
            elif inside and bare.startswith("case ") and here in self.enums:
                words = {}
                self.cases(bare[5:], words)
                self.enums[here] += list(words.values())
            elif inside and here in self.structs and scope[-1][2] == "struct":
                self.property(bare, self.structs[here], doc)
            depth += opened
            while scope and depth <= scope[-1][1]:
                if scope[-1][0] == "CodingKeys":
                    keys, self.pending = None, None
                scope.pop()
            doc = []

    @staticmethod
    def sentence(doc):
        text = []
        for line in doc:
            if not line:
                break
            text.append(line)
        return " ".join(text).rstrip(".")

    @staticmethod
    def cases(text, into):
        for part in text.rstrip(",").split(","):
            found = re.match(r"`?(\w+)`?(?:\s*=\s*\"([^\"]*)\")?", part.strip())
            if found:
                into[found[1]] = found[2] if found[2] is not None else found[1]

    def property(self, bare, struct, doc):
        found = re.match(r"(?:package |public |private |private\(set\) |package private\(set\) )*(?:let|var) (.*)", bare)
        if not found or "static " in bare or bare.startswith("@"):
            return
        rest = found[1]
        if re.search(r"\{\s*(.*\}\s*)?$", rest) and "=" not in rest.split("{")[0]:
            return
        for one in re.split(r",\s*(?=\w+:)", rest) if ":" in rest and "[" not in rest else [rest]:
            part = re.match(r"(\w+)(?:\s*:\s*([^=]+?))?(?:\s*=\s*(.+))?$", one)
            if part:
                struct["properties"].append(
                    (part[1], (part[2] or self.guess(part[3] or "")).strip(), self.sentence(doc)))

    @staticmethod
    def guess(value):
        value = value.strip()
        if re.fullmatch(r"-?[\d_]+", value) or "chemaVersion" in value:
            return "Int"
        if re.fullmatch(r"-?[\d_]+\.[\d_]+", value):
            return "Double"
        if value in ("true", "false"):
            return "Bool"
        listed = re.match(r"PolicyKey\.allCases\.map\((\w+)\.init\)", value)
        if listed:
            return f"[{listed[1]}]"
        word = re.match(r"[\w.]+", value)
        if not word:
            return "?"
        return word[0].rsplit(".", 1)[0] if "." in value else value.rstrip("()")


class Schema:
    """One document's schema, its definitions beside it."""

    def __init__(self, sources, infinite):
        self.sources, self.defs, self.infinite = sources, {}, infinite

    def resolve(self, name, scope, among):
        parts = scope.split(".") if scope else []
        for length in range(len(parts), -1, -1):
            full = ".".join(parts[:length] + [name])
            if full in among:
                return full
        ends = [key for key in among if key.endswith("." + name)]
        return ends[0] if len(ends) == 1 else None

    def type(self, text, scope):
        text = text.strip()
        if text.endswith("?"):
            return self.type(text[:-1], scope)
        if re.fullmatch(r"\[[^:]*\]", text):
            return {"type": "array", "items": self.type(text[1:-1], scope)}
        if text in INTEGERS:
            return {"type": "integer"}
        if text in ("Double", "Float"):
            return {"type": ["number", "string"]} if self.infinite else {"type": "number"}
        if text in ("String", "Bool"):
            return {"type": {"String": "string", "Bool": "boolean"}[text]}
        if text in CUSTOM:
            if text not in self.defs:
                self.defs[text] = {}
                self.defs[text] = CUSTOM[text](self, scope)
            return {"$ref": f"#/$defs/{text}"}
        enum = self.resolve(text, scope, self.sources.enums)
        struct = self.resolve(text, scope, self.sources.structs)
        if struct:
            if struct not in self.defs:
                self.defs[struct] = {}
                self.defs[struct] = self.object(struct)
            return {"$ref": f"#/$defs/{struct}"}
        if enum:
            return {"enum": sorted(set(self.sources.enums[enum]))}
        raise SystemExit(f"{scope}: {text} is no type that is known; write it into CUSTOM")

    def object(self, name):
        struct = self.sources.structs[name]
        keys, properties, required = struct["keys"], {}, []
        for field, type, doc in struct["properties"]:
            if keys is not None and field not in keys:
                continue
            key = keys[field] if keys is not None else field
            properties[key] = self.type(type, name)
            if doc:
                properties[key] = {"description": doc, **properties[key]}
            if not type.endswith("?"):
                required.append(key)
        return {"description": struct["doc"], "type": "object", "required": sorted(required),
                "additionalProperties": False, "properties": properties}


def counts(schema, scope):
    text = (ROOT / "Sources/PageTables/EventCounts+Columns.swift").read_text()
    # Parts of columns by operation are in no file.
    text = re.sub(r"partColumns: .*?\n  \]\n", "", text, flags=re.S)
    names = re.findall(r"Column\(\"(\w+)\"", text)
    return {"description": "Stage-2 events by name", "type": "object", "additionalProperties": False,
            "properties": {name: {"type": "integer"} for name in names}}


def measures(schema, scope):
    enums = schema.sources.enums
    return {"description": "A response or a metric of recordings; its name carries the unit",
            "enum": sorted(set(enums["Response"] + enums["CaptureMetric"]))}


def explanation(schema, scope):
    return {"description": "A prediction taken apart into terms that add up to it", "type": "object",
            "required": ["response", "terms", "unit", "value"], "additionalProperties": False,
            "properties": {
                "response": schema.type("Response", scope), "unit": {"enum": ["ns", "share", "count"]},
                "value": {"type": "number"},
                "terms": {"type": "array", "items": {
                    "type": "object", "required": ["name", "amount"], "additionalProperties": False,
                    "properties": {"name": {"type": "string"}, "amount": {"type": "number"}}}}}}


CUSTOM = {"EventCounts": counts, "Measure": measures, "Explanation": explanation}


def document(sources, name):
    what, sentence = DOCUMENTS[name]
    # How far a search is from what it never found is "inf", and an objective without a sample "nan".
    schema = Schema(sources, name in ("evaluate-strategies", "pareto"))
    body, extra = what, {}
    if isinstance(what, tuple):
        body, extra = what
    if isinstance(body, dict):
        (key, element), = body.items()
        top = {"type": "object", "required": [key], "additionalProperties": False,
               "properties": {key: {"type": "array", "items": schema.type(element, "")}}}
    else:
        top = schema.object(body)
    for key, type in extra.items():
        top["properties"][key] = schema.type(type, "")
        top["required"].append(key)
    versions = (ROOT / "Sources/s2tune/OutputSchema.swift").read_text()
    case = re.search(rf"case (\w+) = \"{name}\"", versions)
    version = re.search(rf"case (?:\.\w+, )*\.{case[1] if case else name}(?:, \.\w+)*: (\d+)", versions)
    top["properties"]["schema_version"] = {
        "description": "The version of the document's form", "const": int(version[1]) if version else 1}
    top["required"] = sorted(set(top["required"]) | {"schema_version"})
    top.pop("description", None)
    command = COMMANDS.get(name, name)
    top = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"s2tune {command}",
           "description": f"What `s2tune {command}` writes with --format json. {sentence} Keys carry their "
                          "unit; shares are 0 to 1.", **top}
    top["properties"] = dict(sorted(top["properties"].items()))
    if schema.defs:
        top["$defs"] = dict(sorted(schema.defs.items()))
    return top


def main():
    words = sys.argv[1:]
    smoke = words[:1] == ["--smoke"]
    words = words[1:] if smoke else words
    folder = pathlib.Path(words[0]) if words else ROOT / "docs/schemas"
    if smoke:
        folder = pathlib.Path(tempfile.mkdtemp())
    sources = Sources()
    for name in DOCUMENTS:
        text = json.dumps(document(sources, name), indent=2, ensure_ascii=False) + "\n"
        (folder / f"{name}.json").write_text(text)
    print(f"{len(DOCUMENTS)} schemas")


if __name__ == "__main__":
    main()
