// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Policies
import Profiles
import Quantities

/// The exit codes of every command, after sysexits.
enum Status: Int32 {
  /// The answer is no: nothing feasible, or a check that failed.
  case no = 1
  /// The command was written wrongly.
  case usage = 64
  /// A file's content is wrong.
  case data = 65
  /// A bug in s2tune.
  case bug = 70
  /// The answer could not be written.
  case output = 74
}

/// The answer is no; the output has said why, or the sentence does.
struct Negative: Error {
  var sentence = ""
}

/// A failure with the exit code that fits it.
struct Failure: Error, CustomStringConvertible {
  let status: Status
  let description: String

  static func usage(_ sentence: String) -> Failure {
    Failure(status: .usage, description: sentence)
  }
  static func data(_ sentence: String) -> Failure { Failure(status: .data, description: sentence) }
}

/// An error that says with which code the program ends.
protocol Refusal: Error {
  var status: Status { get }
}

extension Failure: Refusal {}

extension PolicyError: Refusal {
  var status: Status { .usage }
}

extension QuantityError: Refusal {
  var status: Status { .usage }
}

extension ProfileError: Refusal {
  var status: Status {
    switch self {
    case .unknown, .unknownSeries, .illegalName: .usage
    case .unknownKey(let origin, _, _, _), .illegalValue(let origin, _, _, _):
      origin.file == "--set" ? .usage : .data
    case .unreadable, .tooLarge, .malformed, .parentLoop, .undetected, .contradiction: .data
    }
  }
}
