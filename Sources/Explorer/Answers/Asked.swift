// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Operations
import Policies
import Profiles
import Quantities
import Tuning

/// What a request asks about: three profiles with its values in them.
struct Asked: Sendable {
  /// The setup as loaded.
  let loaded: LoadedSetup
  /// The keys of the body.
  let fields: JSONFields
  /// What recordings set, as `key=value`.
  let observed: [String]

  /// The keys of every question.
  static let keys = ["workload", "host", "kernel", "set", "observed", "stage2_dump"]
  /// The keys of what an answer is judged by.
  static let goalKeys = ["slo", "objective", "confidence", "seed", "present", "vmm"]

  /// Values that one question sets, and files that it sends, at most.
  private static let (mostSettings, mostFiles) = (200, 16)

  /// Loads the profiles that a body names.
  init(_ fields: JSONFields, _ desk: Desk) throws {
    self.fields = fields
    let files = try fields.objects("observed", legal: SentFile.keys, most: Self.mostFiles)
    let seen = try Evidence(
      try files.map { try SentFile($0, desk.kept) }
        .map { try RecordingFile.read($0.text, named: $0.name) }
    ).settings
    let own = try fields.texts("set", most: Self.mostSettings).map(Self.change)
    var loaded = try desk.profiles.setup(
      workload: try fields.requiredText("workload", "a name that /api/v1/profiles lists"),
      host: try fields.requiredText("host", "a name that /api/v1/profiles lists"),
      kernel: try fields.text("kernel") ?? Self.standardKernel
    )
    try loaded.set(seen.filter { one in !own.contains { $0.key == one.key } } + own)
    if let dump = try fields.object("stage2_dump", legal: SentFile.keys) {
      let file = try SentFile(dump, desk.kept)
      let granule = loaded.host.profile.granule
      try loaded.layOut(
        try Stage2Dump(parsing: file.text.utf8, file: file.name, granule: granule)
      )
    }
    self.loaded = loaded
    observed = seen.map { "\($0.key)=\($0.value)" }
  }

  /// The same profiles without any value of the request.
  func unchanged(_ desk: Desk) throws(ProfileError) -> LoadedSetup {
    try desk.profiles.setup(
      workload: loaded.workload.profile.name,
      host: loaded.host.profile.name,
      kernel: loaded.kernel.profile.name
    )
  }

  /// The kernel that is asked about where nobody names one.
  static let standardKernel = "6.1"

  /// The question with what it is judged by.
  func question() throws -> Question {
    var question = Question(loaded.setup)
    if let name = try fields.text("vmm") {
      question.vmm = try Self.word(name, "vmm", VMM.allCases)
    }
    let levels = try fields.texts("slo", most: Metric.allCases.count)
    if !levels.isEmpty { question.serviceLevels = try levels.map { try ServiceLevel(parsing: $0) } }
    if let name = try fields.text("objective") {
      question.objective = try Self.word(name, "objective", Metric.allCases)
    }
    if let confidence = try fields.number("confidence") { question.confidence = confidence }
    question.seed = try fields.whole("seed", 0...UInt64.max) ?? 1
    if let present = try fields.text("present") { question.present = try loaded.policy(present) }
    try question.checkGoal()
    return question
  }

  /// One of some words.
  static func word<Word: RawRepresentable<String>>(
    _ text: String,
    _ key: String,
    _ legal: [Word]
  ) throws(Refused) -> Word {
    guard let word = Word(rawValue: text) else {
      let names = legal.map(\.rawValue)
      throw Refused(
        .badRequest,
        "'\(key)' is '\(text.prefix(60))'; write one of \(names.joined(separator: ", "))"
          + didYouMean(text, among: names)
      )
    }
    return word
  }

  /// One `key=value`, refused where no profile has the key.
  private static func change(_ assignment: String) throws(Refused) -> LoadedSetup.Change {
    let parts = assignment.split(separator: "=", maxSplits: 1).map(String.init)
    guard parts.count == 2 else {
      throw Refused(
        .badRequest,
        "'set' has '\(assignment.prefix(60))'; write key=value, such as vm.memory=64GiB"
      )
    }
    guard LoadedSetup.hasKey(parts[0]) else {
      throw Refused(
        .badRequest,
        "'set' has the key '\(parts[0].prefix(60))', which no profile has; 's2tune profiles keys' "
          + "lists them" + didYouMean(parts[0], among: LoadedSetup.keys)
      )
    }
    return (parts[0], parts[1])
  }
}

/// A document with the version of its form beside its own keys, as `--format json` writes it.
struct Versioned<Content: Encodable>: Encodable {
  let content: Content

  private enum CodingKeys: String, CodingKey { case schema = "schema_version" }

  func encode(to encoder: any Encoder) throws {
    try content.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(Self.version, forKey: .schema)
  }

  /// The version of every document that is served.
  private static var version: Int { 1 }
}
