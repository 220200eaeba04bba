// SPDX-License-Identifier: GPL-3.0-or-later

/// The documents that `--format json` writes, each described by `docs/schemas/NAME.json`.
enum OutputSchema: String, CaseIterable {
  case calibrate, count, doctor, fit, instructions, observe, pareto, policy, recommend, report
  case simulate, validate
  case campaign = "campaign-status"
  case campaignClean = "campaign-gc"
  case compare = "campaign-compare"
  case evaluateAnswers = "evaluate-answers"
  case evaluateModel = "evaluate-model"
  case evaluateSearch = "evaluate-search"
  case evaluateStrategies = "evaluate-strategies"
  case hostDetect = "host-detect"
  case profiles = "profiles-list"
  case profile = "profiles-show"
  case keys = "profiles-keys"
  case robust = "recommend-robust"
  case sensitivity = "evaluate-sensitivity"
  case tableDiff = "table-diff"
  case tableVerify = "table-verify"
  case tuningTable = "tuning-table"
  case variants = "recommend-variants"
  case whatIf = "what-if"

  /// The version of the document's form; raised when a key goes or changes its meaning, not when one
  /// comes.
  var version: Int {
    switch self {
    case .campaign, .evaluateAnswers, .evaluateStrategies: 2
    default: 1
    }
  }
}

/// A document with the version of its form beside its own keys.
struct Versioned<Content: Encodable>: Encodable {
  let content: Content
  let schema: OutputSchema

  private enum CodingKeys: String, CodingKey { case schema = "schema_version" }

  func encode(to encoder: any Encoder) throws {
    try content.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(schema.version, forKey: .schema)
  }
}

/// A list as a document: the list under a name.
struct Listed<Element: Encodable>: Encodable {
  let name: String
  let elements: [Element]

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(elements, forKey: Key(name))
  }
}
