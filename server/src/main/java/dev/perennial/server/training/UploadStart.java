package dev.perennial.server.training;

import java.util.Map;

/**
 * Where an upload begins: at its first example, or behind those that are on disk. Immutable.
 *
 * @param keeps whether it can go on after its stream broke
 * @param contents what is on disk
 */
record UploadStart(String id, TrainingSpec spec, boolean keeps, SpoolReader.Contents contents) {

  static UploadStart fresh(String id, TrainingSpec spec, boolean keeps) {
    return new UploadStart(id, spec, keeps, new SpoolReader.Contents(0, 0, Map.of()));
  }
}
