// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Foundation
import Operations
import Profiles
import Reports
import Tuning

/// `s2tune table`: what one does with exported tables.
struct TableCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "table",
    abstract: "Compares two exported tables, or holds one against the simulator.",
    subcommands: [DiffTables.self, VerifyTable.self]
  )
}

/// `s2tune table diff OLD NEW`.
struct DiffTables: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Shows what differs between two tables; ends with 1 where something does.",
    discussion: "A figure differs where neither mean lies in the other's interval."
  )

  @Option(help: "How the answer is written.")
  var format = OutputFormat.text
  @Argument(help: "The first table, as JSON.", completion: .file(extensions: ["json"]))
  var old: String
  @Argument(help: "The second table, as JSON.", completion: .file(extensions: ["json"]))
  var new: String

  func run() throws {
    let changes = try TuningTable(named: old).changes(to: TuningTable(named: new))
    switch format {
    case .text: try answer(changes.isEmpty ? "nothing differs" : TableChange.text(changes))
    case .json: try answer(json: Listed(name: "changes", elements: changes), .tableDiff)
    }
    guard changes.isEmpty else { throw Negative() }
  }
}

/// `s2tune table verify FILE`.
struct VerifyTable: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Runs a table's policies again with fresh chance and compares.",
    discussion: """
      Ends with 1 where a policy breaks a limit of the table, may leave a stale translation, or has
      figures whose interval new runs do not meet.
      """
  )

  @OptionGroup var common: CommonOptions
  @Argument(help: "The table, as JSON.", completion: .file(extensions: ["json"]))
  var file: String
  @Option(
    help: ArgumentHelp("Only entries whose host/kernel/workload begins so.", valueName: "prefix")
  )
  var only = ""
  @Option(help: "Fresh runs an entry, 2 to 1000.")
  var runs = 4

  func run() throws {
    guard (2...1_000).contains(runs) else {
      throw Failure.usage("--runs \(runs) is not legal; write 2 to 1000")
    }
    let store = try common.store()
    let entries = try TuningTable(named: file).entries.filter { $0.name.hasPrefix(only) }
    guard !entries.isEmpty else {
      throw Failure.usage("--only '\(only)' leaves no entry of \(file)")
    }
    let verifier = TableVerifier(tools: TuningTools(model: nil), runs: runs)
    let progress = ProgressLine()
    var results: [VerifiedEntry] = []
    for entry in entries {
      results.append(try verifier.verify(entry, question: try question(entry, store)))
      progress.show(results.count, of: entries.count, "entries")
    }
    progress.clear()
    switch common.format {
    case .text: try answer(VerifiedEntry.text(results))
    case .json: try answer(json: Listed(name: "entries", elements: results), .tableVerify)
    }
    guard results.allSatisfy(\.isConfirmed) else { throw Negative() }
  }

  /// The question an entry answers: its profiles, present policy and limits.
  private func question(_ entry: TableEntry, _ store: ProfileStore) throws -> Question {
    let loaded = try LoadedSetup(
      workload: entry.workload,
      host: entry.host,
      kernel: entry.kernel,
      from: store
    )
    var question = Question(loaded.setup)
    question.present = try loaded.policy(entry.present)
    question.serviceLevels = try entry.limits.map { try ServiceLevel(parsing: $0) }
    return question
  }
}

extension TuningTable {
  /// Reads the table in a file that the user names.
  init(named path: String) throws {
    try self.init(json: Data(UserFile.read(path, limit: 64 << 20).utf8), file: path)
  }
}
