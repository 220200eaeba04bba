// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
package import Policies

/// Why an operation cannot be run.
package enum OperationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The page tables refused a size, a range or a rule.
  case pageTables(PageTableError)
  /// The policy is impossible here.
  case policy(PolicyError)
  /// A value that no run can have.
  case value(name: String, given: String, legal: String)
  /// Two values that exclude each other.
  case contradiction(String)

  /// One sentence with the value and what is legal.
  package var description: String {
    switch self {
    case .pageTables(let error): error.description
    case .policy(let error): error.description
    case .value(let name, let given, let legal): "\(name) \(given) is not legal; it is \(legal)"
    case .contradiction(let sentence): sentence
    }
  }
}
