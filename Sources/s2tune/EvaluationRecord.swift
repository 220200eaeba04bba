// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Foundation
import Scenarios
import Tuning

/// The record file of an evaluation: what is checked, question by question, so that it can go on.
struct EvaluationRecord: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A file that takes what is checked, question by question; what stands in it is not made again.",
      valueName: "file"
    ),
    completion: .file(extensions: ["json"])
  )
  var record: String?
  @Flag(help: "With --record, adds up all that stands in the file, and checks nothing.")
  var recorded = false

  func validate() throws {
    guard recorded, record == nil else { return }
    throw ValidationError("--recorded adds up a record; name it by --record")
  }

  /// One check a question: as it stands in the record file where that has one that `isSame`, else made.
  ///
  /// The record file keeps what it had, whatever is asked; the outcome holds the asked questions alone.
  func quality<Quality: Evaluated>(
    _ questions: [(String, Question)],
    model: String?,
    schema: OutputSchema,
    what: String,
    isSame: (Quality.Check) -> Bool = { _ in true },
    make: (String, Question) throws -> Quality.Check
  ) throws -> Quality {
    var progress = ProgressLine()
    var known: [Quality.Check] = try earlier(Quality.self, model)?.checks ?? []
    func outcome(_ checks: [Quality.Check]) -> Quality {
      Quality(simulator: Scenario.simulatorVersion, model: model, checks: checks)
    }
    guard !recorded else { return outcome(known) }
    var checks: [Quality.Check] = []
    var unknown = questions.count { question in
      !known.contains { $0.name == question.0 && isSame($0) }
    }
    for (name, question) in questions {
      if let check = known.first(where: { $0.name == name && isSame($0) }) {
        checks.append(check)
      } else {
        let check = try make(name, question)
        progress.count(left: unknown - 1)
        unknown -= 1
        checks.append(check)
        known.append(check)
        if let record { try UserFile.write(json(outcome(known), schema), to: record, force: true) }
      }
      progress.show(checks.count, of: questions.count, what)
    }
    progress.clear()
    return outcome(checks)
  }

  /// What the record file holds, where it is of this simulator and model.
  private func earlier<Quality: Evaluated>(
    _ type: Quality.Type,
    _ model: String?
  ) throws -> Quality? {
    guard let record, FileManager.default.fileExists(atPath: record) else { return nil }
    let text = try UserFile.read(record)
    guard let quality = try? AnswerStore.decoder.decode(Quality.self, from: Data(text.utf8)) else {
      throw Failure.data("\(record): it is no record of this evaluation; name another file")
    }
    guard quality.simulator == Scenario.simulatorVersion, quality.model == model else {
      throw Failure.data(
        "\(record): it is of simulator \(quality.simulator) or of another cost model; name another file"
      )
    }
    return quality
  }
}

/// What an evaluation found of one question.
protocol QuestionCheck: Codable {
  /// The question: host, kernel, workload and memory.
  var name: String { get }
}

/// The outcome of an evaluation, as its record file holds it.
protocol Evaluated: Codable {
  associatedtype Check: QuestionCheck
  var simulator: String { get }
  var model: String? { get }
  var checks: [Check] { get }
  init(simulator: String, model: String?, checks: [Check])
}

extension AnswerCheck: QuestionCheck {}
extension AnswerQuality: Evaluated {}
extension RegretCheck: QuestionCheck {}
extension RegretQuality: Evaluated {}
extension RobustCheck: QuestionCheck {}
extension RobustChoice: Evaluated {}
