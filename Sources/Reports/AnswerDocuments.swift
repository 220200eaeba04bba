// SPDX-License-Identifier: GPL-3.0-or-later

package import Tuning

/// A recommendation with what surrounds it, as `recommend` writes it in JSON.
package struct RecommendDocument: Encodable, Sendable {
  /// The answer.
  package let recommendation: Recommendation
  /// How it is seen on the host; nil where nobody asked.
  package let reproduction: Reproduction?
  /// What the host has of it already; nil where nobody asked.
  package let check: HostCheck?
  /// Profiles, model and facts behind it.
  package let context: AnswerContext

  /// Creates the document.
  package init(
    _ recommendation: Recommendation,
    reproduction: Reproduction? = nil,
    check: HostCheck? = nil,
    _ context: AnswerContext
  ) {
    (self.recommendation, self.reproduction) = (recommendation, reproduction)
    (self.check, self.context) = (check, context)
  }
}

/// A front with what surrounds it, as `pareto` writes it in JSON.
package struct ParetoDocument: Encodable, Sendable {
  /// The answer.
  package let front: FrontAnswer
  /// Profiles, model and facts behind it.
  package let context: AnswerContext

  /// Creates the document.
  package init(_ front: FrontAnswer, _ context: AnswerContext) {
    (self.front, self.context) = (front, context)
  }
}
