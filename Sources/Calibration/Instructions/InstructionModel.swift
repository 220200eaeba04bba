// SPDX-License-Identifier: GPL-3.0-or-later

package import Foundation
package import PageTables
import Quantities

/// How many instructions a kernel executes in stage-2 code for each event, fitted to captures.
///
/// The page allocator and the code of slots and notifiers are not in it. Terms that no layout of
/// the fit tells apart (a table of pages always held its 512 pages) share their cost by the
/// smallest coefficients that are whole numbers; sums over such layouts are exact.
package struct InstructionModel: Hashable, Sendable, Codable {
  /// One event's price.
  package struct Price: Hashable, Sendable, Codable {
    /// The event.
    package let term: InstructionTerm
    /// Instructions of one such event.
    package let instructions: Double
  }

  /// How far predictions lie from captured rows.
  package struct Accuracy: Hashable, Sendable, Codable {
    /// The largest distance, in instructions.
    package let instructions: Double
    /// The largest distance as a share of what is allowed; one or less is within.
    ///
    /// Allowed are 20 instructions or 0.1 %, whichever is more.
    package let ofAllowed: Double

    enum CodingKeys: String, CodingKey {
      case instructions
      case ofAllowed = "of_allowed"
    }
  }

  /// One operation's prices.
  package struct Operation: Hashable, Sendable, Codable {
    /// The operation.
    package let operation: InstructionOperation
    /// The prices, in the order of the terms.
    package let prices: [Price]
    /// Captured rows in the fit.
    package let rows: Int
    /// Distance over those rows.
    package let fitted: Accuracy
    /// Distance over the rows of each layout when it was left out of the fit.
    package let leftOut: Accuracy

    enum CodingKeys: String, CodingKey {
      case operation, prices, rows, fitted
      case leftOut = "left_out"
    }
  }

  /// The version of the file's form.
  package static let schema = 1

  /// The version of the file's form.
  package let schema: Int
  /// The kernel as the captures name it.
  package let kernel: String
  /// The CPU as the captures name it.
  package let cpu: String
  /// The CPU's features by name, in order.
  package let features: [String]
  /// The file that it was fitted to.
  package let source: String
  /// The operations that the captures show.
  package let operations: [Operation]

  /// Instructions of an operation, or nil where the captures did not show it.
  package func instructions(
    _ operation: InstructionOperation,
    _ counts: EventCounts,
    _ context: InstructionContext = InstructionContext()
  ) -> Double? {
    guard let found = operations.first(where: { $0.operation == operation }) else { return nil }
    return found.prices.reduce(0) {
      $0 + $1.instructions * Double($1.term.count(operation, counts, context))
    }
  }
}

extension InstructionModel {
  /// The name of the model's file: kernel and CPU.
  package var fileName: String { "\(kernel)-\(cpu).json" }

  /// The model as its file holds it, byte for byte.
  package func encoded() throws -> Data {
    try JSON.data(self) + Data("\n".utf8)
  }

  /// Whether every operation's layouts are predicted within what is allowed by the others.
  package var passes: Bool { operations.allSatisfy { $0.leftOut.ofAllowed <= 1 } }
}
