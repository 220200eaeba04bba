// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Calibration
import PageTables
import Policies
import Profiles
import Quantities
import Reports

/// `s2tune count`: the exact event counts of stage-2 operations.
struct CountCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "count",
    abstract: "Counts the events of stage-2 operations, exactly as a kernel would.",
    discussion: """
      Mappings are laid out first, then the operations run in their order on what the ones before \
      left. Example:
        s2tune count --kernel 6.12 --cpu fwb,tlbirange,vhe --map 0x40000000+1GiB:4K \
      --op unmap:0x40000000+1GiB
      Operations, with RANGE as 0x40000000+1GiB:
      \(CountScript.Verb.help)
      The answer ends with a verdict: whether the policy can leave a stale translation, why, and \
      the kernel's rule against it.
      """
  )

  @OptionGroup var common: CommonOptions
  @Option(help: "The kernel's release, such as 6.12 or 6.12.107.")
  var kernel = "6.1"
  @Option(help: "CPU features: none, or a list of fwb, tlbirange, vhe, ttl, lpa2, ...")
  var cpu = "fwb,vhe"
  @Option(help: "The core, such as neoverse-n1: adds the errata that the kernel works around.")
  var core: String?
  @Option(help: "The page size: 4K, 16K or 64K.")
  var granule = "4K"
  @Option(
    help: "The width of the guest's physical addresses, 32 to 52. (default: the dump's, else 40)"
  )
  var ipaBits: Int?
  @Option(
    name: .customLong("stage2-dump"),
    help: ArgumentHelp("Maps what a stage2_page_tables file shows.", valueName: "file"),
    completion: .file()
  )
  var dump: String?
  @Option(
    help: ArgumentHelp(
      "Maps a range with leaves of a size; may be repeated.",
      valueName: "range:leaf"
    )
  )
  var map: [String] = []
  @Option(help: ArgumentHelp("An operation; may be repeated.", valueName: "op"))
  var op: [String] = []
  @Option(help: "The policy over the kernel's own, such as chunk=2MiB.")
  var policy = ""

  /// What one operation did.
  struct Row: Encodable {
    let operation: String
    let chunks: Int64
    let counts: EventCounts
  }

  /// One hazard of the policy, or of the kernel itself.
  struct Finding: Encodable {
    let hazard: Int
    let models: [TLBModel]
    let isInherited: Bool
    let reason: String
    let kernelRule: String

    enum CodingKeys: String, CodingKey {
      case hazard, models, reason
      case isInherited = "inherited"
      case kernelRule = "kernel_rule"
    }
  }

  /// Whether the policy can leave a stale translation.
  struct Safety: Encodable {
    let safe: Bool
    let sentence: String
    let hazards: [Finding]
  }

  /// The whole answer.
  struct Answer: Encodable {
    let kernel: String
    let cpu: String
    let granule: String
    let ipaBits: Int
    let policy: String
    let operations: [Row]
    let safety: Safety

    enum CodingKeys: String, CodingKey {
      case kernel, cpu, granule, policy, operations, safety
      case ipaBits = "ipa_bits"
    }
  }

  func run() throws {
    let dump = try readDump()
    let setting = try setting(dump)
    let policy = try chosen(in: setting)
    var rules = try setting.rules(of: policy)
    rules.mayYield = policy.breaks
    guard !op.isEmpty else { throw Failure.usage("no --op; write \(CountScript.Verb.legal)") }
    let script = try op.map { try CountScript.operation($0, granule: setting.granule) }
    var session = try CountSession(try layout(setting, dump), rules, policy)
    let rows = try script.map { operation in
      let outcome = try named("--op \(operation.text)") { try session.run(operation) }
      return Row(operation: operation.text, chunks: outcome.chunks, counts: outcome.counts)
    }
    let canRun = script.contains { $0.verb != .destroy }
    let verdict = try HazardVerdict(rules, granule: setting.granule, guestCanRun: canRun)
    let answer = Answer(
      kernel: setting.release.description,
      cpu: setting.features.list,
      granule: setting.granule.rawValue,
      ipaBits: setting.ipaBits,
      policy: policy.description,
      operations: rows,
      safety: Safety(verdict)
    )
    try write(answer, verdict)
  }

  private func pages() throws -> Granule {
    guard let granule = Granule(rawValue: granule) else {
      throw QuantityError(text: granule, legal: "4K, 16K or 64K")
    }
    return granule
  }

  private func readDump() throws -> Stage2Dump? {
    try dump.map { try DumpFile.read($0, granule: pages(), ipaBits: ipaBits) }
  }

  private func setting(_ dump: Stage2Dump?) throws -> PolicySetting {
    let granule = try pages()
    let release = try KernelRelease(written: kernel)
    return PolicySetting(
      granule: granule,
      ipaBits: ipaBits ?? dump?.ipaBits ?? DumpFile.standardBits,
      release: release,
      features: try features(on: release)
    )
  }

  private func features(on release: KernelRelease) throws -> CPUFeatures {
    let features = try CPUFeatures(listing: cpu)
    guard let core else { return features }
    guard CoreErrata.cores.contains(core) else {
      throw QuantityError(text: core, legal: CoreErrata.cores.joined(separator: ", "))
    }
    return CoreErrata.features(features, of: core, on: release)
  }

  private func chosen(in setting: PolicySetting) throws -> Policy {
    guard !policy.isEmpty else { return setting.baseline }
    let policy = try Policy(parsing: policy, over: setting.baseline)
    try policy.validate(in: setting)
    guard policy.controller == .fixed else {
      throw Failure.usage("counting knows no time; write controller=fixed, or use simulate")
    }
    return policy
  }

  private func layout(_ setting: PolicySetting, _ dump: Stage2Dump?) throws -> StageTwo {
    let geometry = try StageTwoGeometry(granule: setting.granule, ipaBits: setting.ipaBits)
    let needsLPA2 = setting.ipaBits > 48 && setting.granule != .size64K
    guard !needsLPA2 || setting.features.largeAddresses else {
      throw Failure.data(
        "--ipa-bits \(setting.ipaBits) with \(setting.granule.rawValue) pages needs LPA2; "
          + "write lpa2 into --cpu (Linux 6.8 and later), or at most 48 bits"
      )
    }
    var tables = StageTwo(geometry: geometry)
    if let dump { tables = try dump.tables(geometry) }
    for text in map {
      let mapping = try CountScript.mapping(text, granule: setting.granule)
      try named("--map \(text)") { try tables.map(mapping.range, level: mapping.level) }
    }
    return tables
  }

  /// Does something, and says of what a refusal speaks.
  private func named<Result>(_ place: String, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as PageTableError {
      throw Failure.data("\(place): \(error.description)")
    }
  }

  private func write(_ result: Answer, _ verdict: HazardVerdict) throws {
    guard common.format == .text else { return try answer(json: result, .count) }
    // Many operations are numbered, so that a line stays readable.
    let isNumbered = result.operations.count > 3
    let names = result.operations.indices.map {
      isNumbered ? "\($0 + 1)" : result.operations[$0].operation
    }
    let legend = zip(names, result.operations).map { "  \($0)  \($1.operation)\n" }.joined()
    var table = TextTable(columns: [.init("event")] + names.map { .init($0, isNumber: true) })
    table.append(["chunks"] + result.operations.map { String($0.chunks) })
    for column in EventCounts.columns {
      let values = result.operations.map { $0.counts[keyPath: column.field] }
      guard values.contains(where: { $0 != 0 }) else { continue }
      table.append([column.name] + values.map { String($0) })
    }
    try answer(
      "Linux \(result.kernel), CPU \(result.cpu), \(result.granule) pages, \(result.ipaBits) IPA bits, "
        + "\(result.policy)\n"
        + (isNumbered ? legend : "") + "\n" + table.text() + "\n"
        + verdict.text()
    )
  }
}

extension CountCommand.Safety {
  init(_ verdict: HazardVerdict) {
    self.init(
      safe: verdict.isSafe,
      sentence: verdict.sentence,
      hazards: verdict.findings.map {
        CountCommand.Finding(
          hazard: $0.hazard.rawValue,
          models: $0.models,
          isInherited: $0.isInherited,
          reason: $0.hazard.reason,
          kernelRule: $0.hazard.kernelRule
        )
      }
    )
  }
}

extension PageTableError: Refusal {
  var status: Status { .data }
}
