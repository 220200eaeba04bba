// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Calibration
import Operations
import Policies
import Profiles
import Reports

/// `s2tune observe`: what files that people record anyway say in the product's own keys.
struct ObserveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "observe",
    abstract: "Reads what a host, a test or a VMM recorded, and says which values it sets.",
    discussion: """
      A file is recognised by its content: output of the KVM selftests (plain or TAP), stage-2 \
      dumps, ftrace logs of the walker or of KVM's tracepoints, softnet_stat (two snapshots are \
      what came between), interrupts, softirqs, net/dev and snmp of /proc, ethtool -g, -c, -l and \
      -S, iperf3 and fio, QEMU's query-migrate and info migrate, virsh domjobinfo, \
      cloud-hypervisor's log of a migration, Firecracker's log or metrics of snapshots. Prints what \
      each sets, shows and leaves open, and the --set line; --observed FILE of recommend, what-if \
      and simulate applies it. With --host a selftest or a migration is run in the simulator, and \
      measured stands beside predicted. Examples:
        s2tune observe /proc/net/softnet_stat
        s2tune observe run_tests.log --host graviton3 --kernel 6.12
        s2tune observe query-migrate.json --host graviton3 --workload live-migration
      """
  )

  @OptionGroup var common: CommonOptions
  @Argument(help: "Files; - is standard input.", completion: .file())
  var files: [String]
  @Option(
    help: "The host profile on which the same is simulated.",
    completion: .custom { _, _, _ in names(of: .host) }
  )
  var host: String?
  @Option(help: "The kernel profile.", completion: .custom { _, _, _ in names(of: .kernel) })
  var kernel = "6.1"
  @Option(
    help: "The workload profile whose values the files do not set. (default: by the file's kind)",
    completion: .custom { _, _, _ in names(of: .workload) }
  )
  var workload: String?
  @Option(help: "Runs of each operation, with different chance.")
  var replicates = 3
  @Option(help: "The seed of all chance.")
  var seed: UInt64 = 1
  @OptionGroup var output: OutputOptions

  /// What was read, the changes that it makes, and what the simulator has beside it.
  struct Document: Encodable {
    let files: [Recording]
    let settings: [String]
    let compared: [RecordingReplay.Row]
  }

  func run() throws {
    guard (1...1_000).contains(replicates) else {
      throw Failure.usage("--replicates \(replicates) is not legal; write 1 to 1000")
    }
    guard !files.isEmpty else { throw Failure.usage("no file; name one, or - for standard input") }
    try output.check()
    let observed = try Evidence(files)
    let compared = try compare(observed)
    switch common.format {
    case .json:
      let document = Document(
        files: observed.files,
        settings: observed.assignments,
        compared: compared
      )
      try output.write(json(document, .observe))
    case .text:
      var parts = observed.files.map { $0.text() }
      if !observed.settings.isEmpty {
        parts.append(observed.assignments.map { "--set \($0)" }.joined(separator: " ") + "\n")
      }
      if !compared.isEmpty { parts.append(compared.text()) }
      try output.write(parts.joined(separator: "\n"))
    }
  }

  private func compare(_ observed: Evidence) throws -> [RecordingReplay.Row] {
    guard let host else { return [] }
    let store = try common.store()
    var rows: [RecordingReplay.Row] = []
    for file in observed.files where !file.measured.isEmpty {
      let workload =
        workload ?? (file.kind == .migration ? "live-migration" : "kvm-page-table-test")
      let loaded = try LoadedSetup(
        workload: workload,
        host: host,
        kernel: kernel,
        from: store,
        setting: file.settings.map { ($0.key, $0.value) }
      )
      let replay = RecordingReplay(
        loaded.setup,
        policy: loaded.setup.setting.baseline,
        seed: seed,
        replicates: replicates
      )
      rows += try replay.rows(file)
    }
    return rows
  }
}

extension Evidence {
  /// Reads files.
  init(_ paths: [String]) throws {
    try self.init(try paths.map { try RecordingFile.read($0) })
  }
}
