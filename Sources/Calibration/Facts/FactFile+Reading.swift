// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
package import Profiles
import Quantities
import Yams

extension FactFile {
  /// Reads a file of facts (YAML); every refusal names file, line, value and what is legal.
  package init(parsing text: String, file: String) throws(ProfileError) {
    let reader = FactReader(yaml: YAMLReader(file: file))
    let root = try reader.yaml.root(of: text, what: "a file of facts")
    try reader.yaml.allow(["summary", "facts", "unexpressed"], in: root)
    summary = try reader.yaml.text("summary", in: root)
    var facts: [Fact] = []
    if let node = root["facts"] {
      for (key, node) in try reader.yaml.mapping(node, what: "'facts'") {
        facts.append(try reader.fact(named: try reader.yaml.scalar(key), node))
      }
    }
    self.facts = facts
    unexpressed = try reader.unexpressed(root)
  }
}

/// Reads the parts of one fact.
private struct FactReader {
  let yaml: YAMLReader

  static let keys = [
    "says", "source", "use", "gated", "fits", "run", "versus", "metric", "claim", "mechanism",
    "replicates", "family",
  ]

  func fact(named id: String, _ node: Node) throws(ProfileError) -> Fact {
    let parts = try yaml.mapping(node, what: "'\(id)'")
    try yaml.allow(Self.keys, in: parts)
    let run = try experiment(required("run", in: parts), over: nil)
    let versus = try parts["versus"].map { node throws(ProfileError) in
      try experiment(node, over: run)
    }
    let metric = try choice("metric", of: Measure.self, in: parts)
    let use = try choice("use", of: Fact.Use.self, in: parts)
    let claim = try claim(required("claim", in: parts), of: metric, compared: versus != nil)
    let fits = try optional("fits", in: parts).map { $0.split(separator: " ").map(String.init) }
    guard (use == .fit) == (fits?.isEmpty == false) else {
      throw illegal(
        node,
        key: "fits",
        value: fits?.joined(separator: " ") ?? "nothing",
        legal: "the host's keys that a fact of use fit may set, and nothing for use score"
      )
    }
    return Fact(
      id: id,
      replicates: try replicates(in: parts),
      says: try yaml.text("says", in: parts),
      source: try yaml.text("source", in: parts),
      use: use,
      isGated: try gate(in: parts),
      family: try parts["family"].map { _ throws(ProfileError) in
        try choice("family", of: Fact.Family.self, in: parts)
      },
      fits: fits ?? [],
      run: run,
      versus: versus,
      metric: metric,
      claim: claim,
      claimText: try yaml.text("claim", in: parts),
      mechanism: try optional("mechanism", in: parts) ?? "",
      origin: yaml.origin(node)
    )
  }

  func required(_ key: String, in parts: Node.Mapping) throws(ProfileError) -> Node {
    guard let node = parts[key] else {
      _ = try yaml.text(key, in: parts)
      preconditionFailure("a missing key has been refused")
    }
    return node
  }

  func optional(_ key: String, in parts: Node.Mapping) throws(ProfileError) -> String? {
    try parts[key].map { node throws(ProfileError) in try yaml.scalar(node) }
  }

  func illegal(_ node: Node, key: String, value: String, legal: String) -> ProfileError {
    .illegalValue(origin: yaml.origin(node), key: key, value: value, legal: legal)
  }

  func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ key: String,
    of type: Choice.Type,
    in parts: Node.Mapping
  ) throws(ProfileError) -> Choice {
    let node = try required(key, in: parts)
    let text = try yaml.scalar(node)
    guard let value = Choice(rawValue: text) else {
      let legal = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw illegal(node, key: key, value: text, legal: legal)
    }
    return value
  }

  func gate(in parts: Node.Mapping) throws(ProfileError) -> Bool {
    guard let node = parts["gated"] else { return false }
    let text = try yaml.scalar(node)
    guard let value = ["yes": true, "no": false][text] else {
      throw illegal(node, key: "gated", value: text, legal: "yes or no")
    }
    return value
  }

  func replicates(in parts: Node.Mapping) throws(ProfileError) -> Int {
    guard let node = parts["replicates"] else { return 0 }
    let text = try yaml.scalar(node)
    guard let value = Int(text), (1...1_000).contains(value) else {
      throw illegal(node, key: "replicates", value: text, legal: "1 to 1000")
    }
    return value
  }

  /// Reads an experiment; what it leaves out is taken from `base`, where there is one.
  func experiment(_ node: Node, over base: Fact.Experiment?) throws(ProfileError)
    -> Fact.Experiment
  {
    let parts = try yaml.mapping(node, what: "an experiment")
    try yaml.allow(["host", "kernel", "workload", "policy", "set"], in: parts)
    func text(_ key: String, _ inherited: String?) throws(ProfileError) -> String {
      if parts[key] == nil, let inherited { return inherited }
      return try yaml.text(key, in: parts)
    }
    var settings = base?.settings ?? []
    if let node = parts["set"] {
      for (key, value) in try yaml.mapping(node, what: "'set'") {
        let name = try yaml.scalar(key)
        settings.removeAll { $0.key == name }
        settings.append(Fact.Setting(key: name, value: try yaml.scalar(value)))
      }
    }
    return Fact.Experiment(
      host: try text("host", base?.host),
      kernel: try text("kernel", base?.kernel),
      workload: try text("workload", base?.workload),
      policy: try text("policy", base?.policy ?? ""),
      settings: settings
    )
  }

  func unexpressed(_ root: Node.Mapping) throws(ProfileError) -> [FactFile.Unexpressed] {
    guard let node = root["unexpressed"] else { return [] }
    var rows: [FactFile.Unexpressed] = []
    for (key, value) in try yaml.mapping(node, what: "'unexpressed'") {
      rows.append(
        FactFile.Unexpressed(rows: try yaml.scalar(key), reason: try yaml.scalar(value))
      )
    }
    return rows
  }
}

extension FactReader {
  static let claims =
    "'300ms +-5%', '0.2 +-0.05' (units of the metric), '1.58x +-10%', '>= 0.97', '<= 5s', 'contains 43ms' or '< versus'"

  /// Reads a claim such as `39.5s +-5%` about a metric.
  func claim(
    _ node: Node,
    of metric: Measure,
    compared: Bool
  ) throws(ProfileError) -> Fact.Claim {
    let text = try yaml.scalar(node)
    guard let claim = parse(text, metric), compared == claim.compares else {
      let need =
        compared ? "a ratio or '< versus', since 'versus' is given" : "no ratio without 'versus'"
      throw illegal(node, key: "claim", value: text, legal: "\(Self.claims); \(need)")
    }
    return claim
  }

  private func parse(_ text: String, _ metric: Measure) -> Fact.Claim? {
    let words = text.split(separator: " ").map(String.init)
    guard words.count == 2 else { return nil }
    switch (words[0], words[1]) {
    case ("<", "versus"): return .below
    case (">=", let bound): return number(bound, metric).map { .atLeast($0) }
    case ("<=", let bound): return number(bound, metric).map { .atMost($0) }
    case ("contains", let value): return number(value, metric).map { .contains($0) }
    default: break
    }
    guard words[1].hasPrefix("+-") else { return nil }
    let margin = String(words[1].dropFirst(2))
    let share = margin.hasSuffix("%") ? Double(margin.dropLast()).map { $0 / 100 } : nil
    if words[0].hasSuffix("x"), let value = Double(words[0].dropLast()), let share, value > 0 {
      return .ratio(value: value, tolerance: share)
    }
    guard let value = number(words[0], metric) else { return nil }
    if let share { return .point(value: value, tolerance: share) }
    return number(margin, metric).map { .within(value: value, distance: $0) }
  }

  /// A number in the metric's unit: a time with its unit for times, a plain number otherwise, which
  /// for shares may be one of per cent.
  private func number(_ text: String, _ metric: Measure) -> Double? {
    if metric.unit == .nanoseconds {
      return (try? Nanoseconds(parsing: text)).map { Double($0.rawValue) }
    }
    let value = metric.unit == .share ? fraction(text) : Double(text)
    return value.flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
  }
}

extension Fact.Claim {
  /// Whether the claim is about two runs.
  var compares: Bool {
    switch self {
    case .ratio, .below: true
    default: false
    }
  }
}
