// SPDX-License-Identifier: GPL-3.0-or-later

import Files
import Observations
import Operations
import PageTables
import Policies
package import Profiles
import Quantities

/// Why a file cannot be calibrated from, as a sentence.
package struct CalibrationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file, the value and what would be legal.
  package let description: String
}

/// Files of measurements, recognised by their content, as evidence of a host's costs.
package struct CalibrationFiles: Sendable {
  /// The evidence, in the order of the files.
  package private(set) var all: [CostEvidence]
  /// What of the files is no evidence, and why.
  package private(set) var passedOver: [String] = []

  /// Evidence without files.
  package init(all: [CostEvidence]) { self.all = all }

  /// Reads files that were measured on one host under one kernel.
  ///
  /// The base profile `host` says granule, features and what no file tells; `machine` names one of
  /// several in a file of event counts, as `CapturedMachine` prints it.
  package init(
    _ paths: [String],
    host: String,
    kernel: String,
    machine: String?,
    store: ProfileStore
  ) throws {
    self.all = []
    let reader = Reader(host: host, kernel: kernel, machine: machine, store: store)
    for path in paths {
      let text = try TextFile.read(path, limit: RecordingFile.limit)
      let (evidence, over) = try reader.read(text, path)
      if let evidence { all += evidence }
      passedOver += over.map { "\(path): \($0)" }
    }
    guard !all.flatMap(\.samples).isEmpty else {
      throw CalibrationError(
        description: "nothing was measured that a cost could be set by; "
          + (passedOver.isEmpty ? "the files are empty" : passedOver.joined(separator: "; "))
      )
    }
  }
}

/// Reads one file after the other for the same host and kernel.
private struct Reader {
  let host: String
  let kernel: String
  let machine: String?
  let store: ProfileStore

  typealias Found = (evidence: [CostEvidence]?, passedOver: [String])

  func read(_ text: String, _ path: String) throws -> Found {
    if text.hasPrefix("kernel,cpu,") { return try counts(text, path) }
    if text.hasPrefix("facts:") || text.contains("\nfacts:") {
      let facts = try FactFile(parsing: text, file: path).facts
      let evidence = try CostEvidence.facts(facts, host: host, store: store)
      let others = facts.count - evidence.count
      return (evidence, others > 0 ? ["\(others) facts are of other hosts, or only judge"] : [])
    }
    let recording = try RecordingFile.read(text, named: path)
    switch recording.kind {
    case .probe: return try probe(text, path)
    case .measurements: return try table(text, path)
    case .selftest: return try selftest(recording)
    case .walkerTrace: return try trace(text, path)
    default:
      return (
        nil,
        ["\(recording.kind.title) tells no cost of an operation; observe says what it sets"]
      )
    }
  }

  // MARK: - Kinds of files

  private func counts(_ text: String, _ path: String) throws -> Found {
    let file = try KernelCounts(parsing: Array(text.utf8), file: path)
    let machines = file.machines
    let named = machines.map(\.description).joined(separator: ", ")
    let chosen = machine.map { name in machines.filter { $0.description == name } } ?? machines
    guard let only = chosen.first, chosen.count == 1 else {
      throw CalibrationError(
        description: chosen.isEmpty
          ? "\(path): --machine '\(machine ?? "")' is not in the file; legal are \(named)"
          : "\(path) is of \(machines.count) machines; take one by --machine, legal are \(named)"
      )
    }
    return (
      [.counts(file, machine: only)],
      ["an instruction is taken as a nanosecond; phases with guest faults set nothing"]
    )
  }

  private func table(_ text: String, _ path: String) throws -> Found {
    let table = try MeasurementTable(parsing: text, file: path, host: host, kernel: kernel)
    let timed = try table.rows.map { row in
      let setup = try ExperimentSetup(row.experiment, store: store)
      return (
        CostSample(
          id: row.id,
          source: path,
          measured: row.value,
          spread: row.spread,
          isTime: row.measure.unit == .nanoseconds
        ),
        TimedOperation(setup.loaded.setup, policy: setup.policy, part: .measure(row.measure))
      )
    }
    return ([.operations(timed)], [])
  }

  private func selftest(_ recording: Recording) throws -> Found {
    let setup = try loaded(recording.settings.map { ($0.key, $0.value) })
    let replay = RecordingReplay(
      setup,
      policy: setup.setting.baseline,
      seed: 1,
      replicates: 1
    )
    let rows = try replay.rows(recording)
    let kept = rows.filter { $0.predicted.map { $0 > 0 } ?? false && $0.measured > 0 }
    let over = rows.filter { $0.predicted == nil }.map { "\($0.name): \($0.reason ?? "no model")" }
    let samples = kept.map {
      CostSample(
        id: $0.name,
        source: recording.file,
        measured: $0.measured,
        spread: MeasurementTable.assumedSpread
      )
    }
    let names = Set(kept.map(\.name))
    let evidence = CostEvidence(samples) { host throws(HostFitError) in
      var setup = setup
      setup.host = host
      let again = RecordingReplay(setup, policy: setup.setting.baseline, seed: 1, replicates: 1)
      do throws(OperationError) {
        return try again.rows(recording).filter { names.contains($0.name) }.map {
          $0.predicted ?? 0
        }
      } catch { throw .operation(id: recording.file, reason: error.description) }
    }
    return ([evidence], over)
  }

  private func trace(_ text: String, _ path: String) throws -> Found {
    let trace = try ChunkTrace(parsing: Array(text.utf8), file: path)
    let setup = try loaded([])
    var timed: [(CostSample, TimedOperation)] = []
    for function in [ChunkTrace.Function.unmap, .writeProtect] {
      let calls = trace.calls.filter { $0.function == function }
      let sizes = Set(calls.compactMap { $0.range?.size }).sorted()
      for size in sizes {
        let times = calls.filter { $0.range?.size == size }.map(\.duration).sorted()
        // A few calls of a size are ends of ranges, whose memory may be mapped in part.
        guard times.count >= 5 else { continue }
        let middle = Double(times[times.count / 2].rawValue)
        let quarter = Double((times[times.count * 3 / 4] - times[times.count / 4]).rawValue)
        let spread = quarter / max(1, middle) / Double(times.count).squareRoot()
        guard middle > 0 else { continue }
        timed.append(
          (
            CostSample(
              id: "\(function.rawValue) of \(size)",
              source: path,
              measured: middle,
              spread: max(0.02, spread)
            ),
            TimedOperation(
              setup,
              policy: setup.setting.baseline,
              part: .walkerCall(function, size, level: 3)
            )
          )
        )
      }
    }
    guard !timed.isEmpty else {
      return (nil, ["no size of chunk is traced five times with its range; kprobes show ranges"])
    }
    return (
      [.operations(timed)],
      ["chunks are taken as mapped whole by pages; the tracer's own time is in theirs"]
    )
  }

  private func loaded(_ changes: [LoadedSetup.Change]) throws -> Setup {
    var setup = try LoadedSetup(
      workload: "kvm-page-table-test",
      host: host,
      kernel: kernel,
      from: store,
      setting: changes
    ).setup
    setup.workload.network = NetworkLoad()
    return setup
  }

  // MARK: - The probe

  private func probe(_ text: String, _ path: String) throws -> Found {
    let record = try ProbeRecording(parsing: text, file: path)
    var over: [String] = []
    var timed: [(CostSample, TimedOperation)] = []
    let base = try loaded([])
    if record.page != base.host.granule.page.rawValue {
      throw CalibrationError(
        description:
          "\(path): pages of \(record.page) bytes, and host '\(host)' has \(base.host.granule.page); "
          + "take a base with that page size"
      )
    }
    let release = "\(base.kernel.release.major).\(base.kernel.release.minor)"
    if !record.kernel.hasPrefix(release)
      || record.kernel.dropFirst(release.count).first?.isNumber == true
    {
      over.append("the probe ran under \(record.kernel), and is taken as \(kernel): see --kernel")
    }
    var unknown: [String] = []
    for timing in record.timings {
      let time = record.withoutSlotChange(timing)
      guard let operation = try probed(timing, record), time > .zero else {
        if !unknown.contains(timing.phase) { unknown.append(timing.phase) }
        continue
      }
      let sample = CostSample(
        id: timing.name,
        source: path,
        measured: Double(time.rawValue),
        spread: timing.spread
      )
      timed.append((sample, operation))
    }
    if !unknown.isEmpty {
      over.append("\(unknown.joined(separator: ", ")): no operation of the model is this alone")
    }
    over += record.skipped
    if !record.flows.isEmpty {
      over.append("\(record.flows.count) flows: traffic sets no cost here")
    }
    if let shortfall = record.shortfall { over.append("\(shortfall): what is there is used") }
    return (timed.isEmpty ? nil : [.operations(timed)], over)
  }

  /// The operation that a phase of the probe is, alone on its CPU; nil where there is none.
  private func probed(
    _ timing: ProbeRecording.Timing,
    _ record: ProbeRecording
  ) throws -> TimedOperation? {
    var changes: [LoadedSetup.Change] = [
      ("vm.memory", timing.memory.description), ("vm.ipa_bits", "\(record.ipaBits)"),
      ("vm.vcpus", "\(max(1, timing.vcpus))"),
    ]
    switch timing.backing {
    case "4k": changes.append(("vm.block_share", "0"))
    case "thp": changes.append(("vm.block_share", "1"))
    default: changes.append(("vm.hugetlb", "2MiB"))
    }
    var (policy, part) = ("", TimedOperation.Part.measure(.response(.teardownTime)))
    switch timing.phase {
    case "host-unmap", "host-unmap-slices":
      guard timing.backing != "hugetlb" else { return nil }
      let isHuge = timing.backing == "thp"
      let pages = timing.memory.rawValue / (isHuge ? 2 << 20 : record.page)
      part = .hostFree(
        calls: timing.calls,
        pages: isHuge ? 0 : pages,
        hugePages: isHuge ? pages : 0
      )
    case "log-enable":
      changes.append(("operation", "log-enable"))
      part = .withoutAllocation(.response(.writeProtectTotal))
    case "split":
      changes.append(("operation", "log-enable"))
      (policy, part) = (
        "split=\(timing.unit)", .withoutAllocation(.response(.writeProtectTotal))
      )
    case "clear":
      policy = timing.unit < timing.memory ? "clear=\(timing.unit)" : ""
      guard policy.isEmpty else { return nil }
      part = .clear
    case "split-clear": (policy, part) = ("split=\(timing.unit)", .clear)
    case "fault":
      changes.append(("operation", "populate"))
      part = .withoutAllocation(.response(.teardownTime))
    case "process-exit": policy = "path=process-exit"
    case "unmap-whole": policy = "path=munmap"
    case "unmap-slices": policy = "path=madvise-slices,slice=\(timing.unit)"
    case "slot-delete": (policy, part) = ("path=memslot-delete", .slotDelete)
    default: return nil
    }
    let loaded = try LoadedSetup(
      workload: "kvm-page-table-test",
      host: host,
      kernel: kernel,
      from: store,
      setting: changes
    )
    return TimedOperation(loaded.setup, policy: try loaded.policy(policy), part: part)
  }
}
