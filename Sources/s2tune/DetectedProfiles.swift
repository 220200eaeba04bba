// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Files
import Foundation
import Profiles

/// The profiles that are made of the machine itself: host and kernel `auto`.
enum DetectedProfiles {
  /// The name of the profile that is read from the machine.
  static let name = "auto"
  /// The environment variable that names a copy of a machine's files in place of `/`.
  static let rootVariable = "S2TUNE_ROOT"

  /// The text of a profile of the machine; nil for any other name.
  static func text(_ kind: ProfileKind, _ name: String) throws(ProfileError) -> String? {
    guard name == Self.name, kind != .workload else { return nil }
    let root = ProcessInfo.processInfo.environment[rootVariable].flatMap { $0.isEmpty ? nil : $0 }
    let host: DetectedHost
    do throws(DetectionError) {
      host = try HostDetector.detect(HostFiles(FileTree(root ?? "/")))
    } catch {
      throw .undetected(error.description)
    }
    return kind == .host ? host.hostProfile(name) : host.kernelProfile(name)
  }
}
