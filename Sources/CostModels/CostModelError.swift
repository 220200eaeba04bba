// SPDX-License-Identifier: GPL-3.0-or-later

package import GSLKit
package import Observations

/// Why a cost model cannot be fitted, loaded or believed, with the evidence.
package enum CostModelError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Fewer runs than the fit has terms.
  case tooFewRuns(response: Response, runs: Int, needed: Int)
  /// A response that has the same value in every run.
  case constantResponse(response: Response, value: Double, runs: Int)
  /// A feature or a response that is NaN or infinite in a run.
  case notFinite(quantity: String, run: Int, value: Double)
  /// No feature differs between the runs.
  case nothingVaries(response: Response, runs: Int)
  /// Nothing but censored values.
  case allCensored(response: Response, runs: Int)
  /// A computation failed while a response was fitted.
  case numerics(response: Response, cause: GSLError)
  /// A file that is not a cost model.
  case malformed(file: String, reason: String)
  /// A model or a run of another version than this program reads.
  case version(file: String, quantity: String, found: String, expected: String)
  /// The model holds no fit of a response.
  case missing(response: Response, fitted: [Response])
  /// A model that missed a target on runs it never saw; no model is written.
  case untrustworthy(response: Response, evidence: String)

  /// Whether the runs hold too little to fit anything, rather than something wrong.
  var isAboutTooLittle: Bool {
    switch self {
    case .tooFewRuns, .constantResponse, .nothingVaries, .allCensored: true
    default: false
    }
  }

  /// One sentence with the evidence.
  package var description: String {
    switch self {
    case .tooFewRuns(let response, let runs, let needed):
      "\(response.rawValue) has \(runs) usable runs; a fit needs at least \(needed)"
    case .constantResponse(let response, let value, let runs):
      "\(response.rawValue) is \(value) in all \(runs) runs, so there is nothing to fit"
    case .notFinite(let quantity, let run, let value):
      "\(quantity) is \(value) in run \(run); every value must be finite"
    case .nothingVaries(let response, let runs):
      "no feature differs between the \(runs) runs of \(response.rawValue)"
    case .allCensored(let response, let runs):
      "all \(runs) runs of \(response.rawValue) stopped at their limit"
    case .numerics(let response, let cause): "\(response.rawValue) cannot be fitted: \(cause)"
    case .malformed(let file, let reason): "\(file) is not a cost model: \(reason)"
    case .version(let file, let quantity, let found, let expected):
      "\(file) has \(quantity) \(found); this program reads \(expected)"
    case .missing(let response, let fitted):
      "the model holds no fit of \(response.rawValue); it holds "
        + fitted.map(\.rawValue).joined(separator: ", ")
    case .untrustworthy(let response, let evidence):
      "the fit of \(response.rawValue) cannot be trusted: \(evidence)"
    }
  }
}
