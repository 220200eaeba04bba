// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Files
import Foundation
import Profiles

/// The machine's own files: `/`, or a copy that an option or the environment names.
enum MachineFiles {
  /// The environment variable that names a copy of a machine's files in place of `/`.
  static let variable = "S2TUNE_ROOT"

  /// The files below what `--root` names, else the variable, else `/`; refuses what is no directory.
  static func files(_ root: String? = nil) throws(Failure) -> HostFiles {
    let named = ProcessInfo.processInfo.environment[variable].flatMap { $0.isEmpty ? nil : $0 }
    let path = root ?? named ?? "/"
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
      isDirectory.boolValue
    else {
      let whose = root == nil ? variable : "--root"
      throw .usage("\(whose) '\(path)' is not a directory; name one that exists")
    }
    return HostFiles(FileTree(path))
  }
}

/// The profiles that are made of the machine itself: host and kernel `auto`.
enum DetectedProfiles {
  /// The name of the profile that is read from the machine.
  static let name = "auto"

  /// The text of a profile of the machine; nil for any other name.
  static func text(_ kind: ProfileKind, _ name: String) throws(ProfileError) -> String? {
    guard name == Self.name, kind != .workload else { return nil }
    let host: DetectedHost
    do {
      host = try HostDetector.detect(try MachineFiles.files())
    } catch {
      throw .undetected("\(error)")
    }
    return kind == .host ? host.hostProfile(name) : host.kernelProfile(name)
  }
}
