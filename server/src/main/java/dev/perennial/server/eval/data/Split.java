package dev.perennial.server.eval.data;

import java.util.List;

/**
 * A data set as its files divide it. Immutable.
 *
 * @param classNames in label order
 * @param train all that may be learnt from, in the files' order
 * @param test what is asked, in the files' order
 */
record Split(List<String> classNames, List<LabelledPicture> train, List<LabelledPicture> test) {
  Split {
    classNames = List.copyOf(classNames);
    train = List.copyOf(train);
    test = List.copyOf(test);
  }

  /** The rule of CoOp, ZSCL and DIKI for names of folders and labels. */
  static String spoken(String className) {
    return className.replace('_', ' ');
  }
}
