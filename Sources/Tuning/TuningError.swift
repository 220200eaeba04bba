// SPDX-License-Identifier: GPL-3.0-or-later

package import Campaigns
import Files

/// Why a question cannot be answered, with what was given and what is legal.
package enum TuningError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The budget cannot verify anything.
  case budgetTooSmall(budget: Int, least: Int)
  /// A confidence outside of 0 to 1.
  case illegalConfidence(Double)
  /// Two limits on one metric.
  case contradiction(String, String)
  /// A metric that the workload does not have.
  case noSuchResponse(metric: String, workload: String, legal: [String])
  /// A limit relative to the present policy, whose runs saw no sample of what it bounds.
  case noSample(limit: String, workload: String)
  /// A policy that cannot exist on the host, kernel or guest; the text says why.
  case impossiblePolicy(String)
  /// A sweep over a knob that does not take a range, or a range that is none.
  case illegalSweep(text: String, legal: String)
  /// A value of a sweep that its key does not take, with the sentence that says why.
  case illegalValue(String)
  /// A table that does not hold together.
  case badTable(file: String, entry: String, problem: String)
  /// A stored answer that is not one.
  case badStore(file: String, problem: String)
  /// A file that is no tuning table at all.
  case noTable(file: String, problem: String)
  /// An entry whose kernel change is no constant of one place.
  case noSemanticPatch(entry: String, reason: String)
  /// A file that cannot be written.
  case notWritten(file: String, reason: String)
  /// The store of runs cannot be read or written.
  case store(CampaignError)
  /// The simulator refused a run; the text says why.
  case simulation(String)
  /// The cost model refused a question; the text says why.
  case prediction(String)

  /// The refusal to write a file, with what the system says.
  package static func notWritten(file: String, _ error: any Error) -> TuningError {
    if case FileError.notWritten(_, let reason) = error {
      return .notWritten(file: file, reason: reason)
    }
    return .notWritten(file: file, reason: "no file can be made there")
  }

  /// One sentence with the value and what is legal.
  package var description: String {
    switch self {
    case .budgetTooSmall(let budget, let least):
      "a budget of \(budget) runs cannot verify an answer; give at least \(least)"
    case .illegalConfidence(let value):
      "a confidence of \(value) is not legal; give one between 0 and 1, such as 0.95"
    case .contradiction(let first, let second):
      "the limits \(first) and \(second) contradict each other; give one limit a metric"
    case .noSuchResponse(let metric, let workload, let legal):
      "the workload \(workload) has no \(metric); it has \(legal.joined(separator: ", "))"
    case .noSample(let limit, let workload):
      "the limit \(limit) is relative to the present policy, whose runs of \(workload) saw no sample "
        + "of it; write an absolute limit"
    case .impossiblePolicy(let reason), .illegalValue(let reason): reason
    case .illegalSweep(let text, let legal): "'\(text)' is not a sweep; write \(legal)"
    case .badTable(let file, let entry, let problem): "\(file), entry \(entry): \(problem)"
    case .noTable(let file, let problem): "\(file) is not a tuning table: \(problem)"
    case .noSemanticPatch(let entry, let reason):
      "\(entry): \(reason), so there is no semantic patch; one is written for a kernel change such as "
        + "chunk=2MiB"
    case .notWritten(let file, let reason): "\(file): cannot be written: \(reason)"
    case .badStore(let file, let problem): "\(file) is not a stored answer: \(problem)"
    case .store(let error): error.description
    case .simulation(let reason): "the simulator refused a run: \(reason)"
    case .prediction(let reason): "the cost model gave no prediction: \(reason)"
    }
  }
}
