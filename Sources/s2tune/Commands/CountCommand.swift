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
      """
  )

  @OptionGroup var common: CommonOptions
  @Option(help: "The kernel's release, such as 6.12 or 6.12.107.")
  var kernel = "6.1"
  @Option(help: "CPU features: none, or a list of fwb, tlbirange, vhe, ttl, lpa2, ...")
  var cpu = "fwb,vhe"
  @Option(help: "The page size: 4K, 16K or 64K.")
  var granule = "4K"
  @Option(help: "The width of the guest's physical addresses, 32 to 52.")
  var ipaBits = 40
  @Option(
    name: .customLong("stage2-dump"),
    help: ArgumentHelp("Maps what a stage2_page_tables file shows.", valueName: "file"),
    completion: .file()
  )
  var dump: String?
  @Option(help: ArgumentHelp("Maps a range with leaves of a size.", valueName: "range:leaf"))
  var map: [String] = []
  @Option(help: ArgumentHelp("Runs unmap:RANGE, wrprotect:RANGE or destroy.", valueName: "op"))
  var op: [String] = []
  @Option(help: "The policy over the kernel's own, such as chunk=2MiB.")
  var policy = ""

  /// What one operation did.
  struct Row: Encodable {
    let operation: String
    let chunks: Int64
    let counts: EventCounts
  }

  /// The whole answer.
  struct Answer: Encodable {
    let kernel: String
    let cpu: String
    let policy: String
    let operations: [Row]
  }

  func run() throws {
    let setting = try setting()
    let policy = try chosen(in: setting)
    var rules = try StageTwoRules(setting.release, setting.features)
    rules.chunk = policy.chunk
    rules.flush = policy.flush
    rules.mayYield = policy.breaks
    var tables = try layout(setting)
    guard !op.isEmpty else { throw Failure.usage("no --op; write \(CountScript.Operation.legal)") }
    var rows: [Row] = []
    for text in op {
      let train = try apply(CountScript.operation(text), to: &tables, rules)
      rows.append(Row(operation: text, chunks: train.chunkCount, counts: train.total))
    }
    let answer = Answer(
      kernel: setting.release.description,
      cpu: setting.features.list,
      policy: policy.description,
      operations: rows
    )
    try write(answer)
  }

  private func setting() throws -> PolicySetting {
    guard let granule = Granule(rawValue: granule) else {
      throw QuantityError(text: granule, legal: "4K, 16K or 64K")
    }
    return PolicySetting(
      granule: granule,
      ipaBits: ipaBits,
      release: try KernelRelease(written: kernel),
      features: try CPUFeatures(listing: cpu)
    )
  }

  private func chosen(in setting: PolicySetting) throws -> Policy {
    guard !policy.isEmpty else { return setting.baseline }
    let policy = try Policy(parsing: policy, over: setting.baseline)
    try policy.validate(in: setting)
    return policy
  }

  private func layout(_ setting: PolicySetting) throws -> StageTwo {
    let geometry = try StageTwoGeometry(granule: setting.granule, ipaBits: setting.ipaBits)
    var tables = StageTwo(geometry: geometry)
    if let dump {
      tables = try DumpFile.read(dump, granule: setting.granule).tables(geometry)
    }
    for text in map {
      let mapping = try CountScript.mapping(text, granule: setting.granule)
      try tables.map(mapping.range, level: mapping.level)
    }
    return tables
  }

  private func apply(
    _ operation: CountScript.Operation,
    to tables: inout StageTwo,
    _ rules: StageTwoRules
  ) throws -> ChunkTrain {
    switch operation {
    case .unmap(let range): try tables.unmap(range, rules)
    case .writeProtect(let range): try tables.writeProtect(slot: range, rules)
    case .destroy: tables.destroy(rules)
    }
  }

  private func write(_ result: Answer) throws {
    guard common.format == .text else { return try answer(json: result) }
    var table = Table(
      columns: [.init("event")] + result.operations.map { .init($0.operation, isNumber: true) }
    )
    table.append(["chunks"] + result.operations.map { String($0.chunks) })
    for column in EventCounts.columns {
      let values = result.operations.map { $0.counts[keyPath: column.field] }
      guard values.contains(where: { $0 != 0 }) else { continue }
      table.append([column.name] + values.map { String($0) })
    }
    answer("Linux \(result.kernel), CPU \(result.cpu), \(result.policy)\n\n" + table.text())
  }
}

extension PageTableError: Refusal {
  var status: Status { .data }
}
