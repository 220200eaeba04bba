// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Calibration
import Files
import Operations
import PageTables
import Profiles
import Quantities
import Reports
import Scenarios
import Tuning

/// `s2tune report`: an answer with everything that stands behind it, as one document.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract:
      "Writes a recommendation with its runs, alternatives, limits and sources as one page.",
    discussion: """
      The page is one file of HTML that loads nothing and needs no script. Its recommendation is the one \
      of 'recommend'; the front that of 'pareto', the sweep that of 'what-if --vary chunk=...'. It spends \
      the budget twice, which takes minutes where no answer is stored. Ends with 1 where no policy keeps \
      the limits; the page is written all the same. Example:
        s2tune report --workload container-churn --host graviton3 --kernel 6.1 \\
          -o report.html
      """
  )

  /// How the document is written.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case html, markdown, text, json
  }

  @Option(help: "How the report is written.")
  var format = Format.html
  @OptionGroup var models: ModelOptions
  @OptionGroup var question: QuestionOptions
  @OptionGroup var wishes: WishOptions
  @Flag(help: "Answers anew, where a stored verified answer would do.")
  var fresh = false
  @OptionGroup var engine: EngineOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    try output.check()
    let store = try models.store()
    let loaded = try question.load(from: store)
    let asked = try wishes.question(loaded)
    let progress = ProgressLine()
    let tools = try engine.tools(store, progress: progress)
    let answer = try tools.answer(asked, loaded, store, fresh: fresh)
    let study = AnswerStudy(of: answer, to: asked, loaded: loaded, tools: tools)
    progress.clear()
    let context = AnswerContext(loaded, store)
    let report = AnswerReport(
      study: study,
      context: context,
      checks: try checks(context, store),
      origin: try origin(loaded)
    )
    switch format {
    case .html: try output.write(report.document().html())
    case .markdown: try output.write(report.document().markdown())
    case .text: try output.write(report.document().text())
    case .json: try output.write(json(report, .report))
    }
    if answer.verdict == .noneFeasible { throw Negative() }
  }

  /// The published measurements of the context with what their files say of them.
  private func checks(
    _ context: AnswerContext,
    _ store: ProfileStore
  ) throws -> [AnswerReport.Check] {
    guard !context.published.isEmpty else { return [] }
    let files = (try? FactSources.files([], in: store)) ?? []
    let facts = try files.flatMap { path in
      try FactFile(parsing: try UserFile.read(path, limit: 1 << 20), file: path).facts
    }
    return context.published.map { row in
      AnswerReport.Check(row: row, note: facts.first { $0.id == row.fact }?.mechanism ?? "")
    }
  }

  private func origin(_ loaded: LoadedSetup) throws -> AnswerReport.Origin {
    AnswerReport.Origin(
      program: "s2tune \(S2Tune.configuration.version)",
      simulator: Scenario.simulatorVersion,
      command: Self.line(words),
      setup: loaded.setup.fingerprint,
      sources: sources(loaded)
    )
  }

  /// The files that the question was read from; of those that cannot be read again nothing is said.
  private func sources(_ loaded: LoadedSetup) -> [AnswerReport.Source] {
    func source(_ kind: String, _ path: String) -> AnswerReport.Source? {
      guard path != "-", let text = try? UserFile.read(path) else { return nil }
      return AnswerReport.Source(
        kind: kind,
        name: path.split(separator: "/").suffix(2).joined(separator: "/"),
        digest: Digest.wide(of: text)
      )
    }
    let profiles = loaded.workload.files + loaded.host.files + loaded.kernel.files
    var found = profiles.compactMap { source("profile", $0) }
    found += question.changes.observed.compactMap { source("observed", $0) }
    if let dump = question.changes.dump, let tables = loaded.setup.layout.tables {
      let name = dump.split(separator: "/").last.map(String.init) ?? dump
      found.append(
        AnswerReport.Source(kind: "stage2-dump", name: name, digest: tables.digest.hexadecimal)
      )
    }
    return found
  }

  /// The command line that asks the same again, in one order whatever was typed.
  private var words: [String] {
    let (goal, changes) = (wishes.goal, question.changes)
    var words = [
      "s2tune", "report", "--workload", question.workload, "--host", question.host, "--kernel",
      question.kernel,
    ]
    func add(_ name: String, _ value: String?) {
      if let value { words += [name, value] }
    }
    for one in changes.set { add("--set", one) }
    for one in changes.observed { add("--observed", one) }
    add("--stage2-dump", changes.dump)
    for one in goal.slo { add("--slo", one) }
    add("--objective", goal.objective)
    add("--confidence", goal.confidence == 0.95 ? nil : "\(goal.confidence)")
    add("--seed", goal.seed == 1 ? nil : "\(goal.seed)")
    add("--present", goal.present)
    add("--vmm", goal.vmm == .other ? nil : goal.vmm.rawValue)
    add("--knobs", wishes.knobs == .today ? nil : wishes.knobs.rawValue)
    add("--budget", wishes.budget == Question.standardBudget ? nil : "\(wishes.budget)")
    for one in wishes.pin { add("--pin", one) }
    add("--cost-model", engine.answering.costModel)
    add("--max-events", engine.limit.maxEvents.map { "\($0)" })
    add("--models", models.models)
    if fresh { words.append("--fresh") }
    if format != .html { words += ["--format", format.rawValue] }
    return words
  }

  /// Words as a shell takes them, quoted where they hold what it would read.
  static func line(_ words: [String]) -> String {
    words.map { word in
      let isPlain = word.unicodeScalars.allSatisfy { scalar in
        scalar.isASCII && (Character(scalar).isLetter || Character(scalar).isNumber)
          || "_./:=,@%+-".unicodeScalars.contains(scalar)
      }
      guard word.isEmpty || !isPlain else { return word }
      var quoted = String.UnicodeScalarView("'".unicodeScalars)
      for scalar in word.unicodeScalars {
        if scalar == "'" {
          quoted.append(contentsOf: "'\\''".unicodeScalars)
        } else {
          quoted.append(scalar)
        }
      }
      return String(quoted) + "'"
    }.joined(separator: " ")
  }
}
