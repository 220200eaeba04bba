// SPDX-License-Identifier: GPL-3.0-or-later

package import Observations
import Operations
package import Profiles
package import Search

/// What an answer is judged by: the objective, the limits in numbers, and everything shown.
///
/// Every view (search, race, what-if, tables) asks `problem` whether values are feasible.
package struct Goal: Sendable {
  /// The response that is optimized.
  package let objective: Response
  /// Every response of the workload, the objective first; the order of all values.
  package let shown: [Response]
  /// The limits, and the numbers they come to.
  package let limits: [Limit]
  /// The same as a problem of the search: the objective is its only one.
  ///
  /// Its responses are those shown, then one ratio for each limit that is relative to the present
  /// policy. A ratio is of two runs with the same chance, so that noise they share bounds nothing.
  package let problem: Problem
  /// The places in `shown` that have a ratio, in the order of the ratios.
  private let ratios: [Int]
  /// The present policy's mean of each shown response.
  private let present: [Double]

  /// A limit with its number.
  package struct Limit: Hashable, Sendable {
    /// The limit as asked.
    package let level: ServiceLevel
    /// The response it bounds.
    package let response: Response
    /// The number, in the response's unit.
    package let bound: Double
  }

  /// Turns a question's limits into numbers, relative ones from the present policy's values.
  ///
  /// `present` holds the responses that the present policy's runs have. A limit on one that the
  /// workload does not have is refused; one of which those runs saw no sample stays, and is neither
  /// kept nor broken until some run sees one.
  package init(_ question: Question, present: [Response: Double]) throws(TuningError) {
    let available = Response.allCases.filter { present[$0] != nil }
    let names = Metric.allCases.filter { available.contains($0.response) }.map(\.rawValue)
    func refusal(_ metric: Metric) -> TuningError {
      .noSuchResponse(metric: metric.rawValue, workload: question.workload.name, legal: names)
    }
    let objective = question.goal.response
    guard available.contains(objective) else { throw refusal(question.goal) }
    func isUnsampled(_ response: Response) -> Bool {
      present[response] == nil && response.isSampled
        && question.workload.has(response, policy: question.presentPolicy)
    }
    var shown = [objective] + available.filter { $0 != objective }
    var limits: [Limit] = []
    for level in question.limits {
      let response = level.metric.response
      if isUnsampled(response) {
        guard let bound = level.limit(baseline: nil) else {
          throw .noSample(limit: level.description, workload: question.workload.name)
        }
        shown.append(response)
        limits.append(Limit(level: level, response: response, bound: bound))
        continue
      }
      guard let bound = level.limit(baseline: present[response]),
        available.contains(response)
      else {
        // A default of the profile for something this variant lacks does not bind.
        if question.serviceLevels == nil { continue }
        throw refusal(level.metric)
      }
      limits.append(Limit(level: level, response: response, bound: bound))
    }
    self.objective = objective
    self.shown = shown
    self.limits = limits
    self.present = shown.map { present[$0] ?? .nan }
    var ratios: [Int] = []
    let constraints = limits.map { limit in
      let place = shown.firstIndex(of: limit.response) ?? 0
      guard case .relative(let factor) = limit.level.bound else {
        return Constraint(response: place, bound: limit.bound)
      }
      ratios.append(place)
      return Constraint(response: shown.count + ratios.count - 1, bound: factor)
    }
    self.ratios = ratios
    problem = Problem(
      responses: shown.map(\.forSearch) + ratios.map { shown[$0].ratioForSearch },
      objectives: [0],
      constraints: constraints
    )
  }

  /// Whether some limit is relative to the present policy.
  var isRelative: Bool { !ratios.isEmpty }

  /// The values of a report in the order of the problem's responses; what is missing is not a
  /// number, but a lock that was never taken is a hold of zero.
  ///
  /// - Parameters:
  ///   - report: The run.
  ///   - other: The present policy's run with the same chance; nil takes its mean instead.
  /// - Returns: One value a response, ratios last.
  package func values(of report: RunReport, beside other: RunReport? = nil) -> [Double] {
    func row(_ report: RunReport) -> [Double] {
      shown.map { report.value(of: $0) ?? ($0 == .longestHold ? 0 : .nan) }
    }
    return withRatios(row(report), of: other.map(row) ?? present)
  }

  /// Values by response in the order of the problem's responses.
  func values(_ known: [Response: Double]) -> [Double] {
    withRatios(shown.map { known[$0] ?? ($0 == .longestHold ? 0 : .nan) }, of: present)
  }

  private func withRatios(_ values: [Double], of other: [Double]) -> [Double] {
    values + ratios.map { values[$0] == other[$0] ? 1 : values[$0] / other[$0] }
  }

  /// The mean of each value over several runs; of none, zero.
  func means(of rows: [[Double]]) -> [Double] {
    problem.responses.indices.map { place in
      rows.reduce(0) { $0 + $1[place] } / Double(max(1, rows.count))
    }
  }

  /// The limits that values break, with how much, and those that nothing can be held against.
  package func violations(of values: [Double]) -> [Violation] {
    zip(limits, problem.violations(of: values)).compactMap { limit, excess in
      guard excess > 0 || excess.isNaN,
        let place = shown.firstIndex(of: limit.response)
      else { return nil }
      return Violation(
        limit: limit.level.description,
        response: limit.response,
        value: values[place].isNaN ? nil : values[place],
        bound: limit.bound
      )
    }
  }
}

/// A limit that a policy breaks, or of whose response its runs saw no sample.
package struct Violation: Hashable, Sendable, Codable {
  /// The limit as asked, such as `io.goodput>=0.95`.
  package let limit: String
  /// The response it bounds.
  package let response: Response
  /// The policy's value, in the response's unit; nil where there was no sample: the limit is then
  /// neither kept nor broken.
  package let value: Double?
  /// The limit's number, in the response's unit.
  package let bound: Double
}

extension Response {
  /// Whether a run can have the response's part and yet no sample of it.
  var isSampled: Bool {
    switch self {
    case .requestP99, .writeProtectP99, .iopsRetained, .goodputRetained: true
    default: false
    }
  }

  /// The response over that of the present policy, as the search sees it.
  fileprivate var ratioForSearch: SearchResponse {
    SearchResponse(
      rawValue + "_ratio",
      direction == .lower ? .minimize : .maximize,
      scale: unit == .nanoseconds ? .logarithmic : .linear
    )
  }

  /// The response as the search sees it: times by their logarithm, shares and counts as they are.
  var forSearch: SearchResponse {
    SearchResponse(
      rawValue,
      direction == .lower ? .minimize : .maximize,
      scale: unit == .nanoseconds ? .logarithmic : .linear
    )
  }
}
