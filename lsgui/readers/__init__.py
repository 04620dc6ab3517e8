"""From a file or a folder to a clip: one file a format.

`base` finds the reader by what the file holds; every other module of this folder that registers a class in
`base.READERS` is one format. The parts that DICOM needs are in `dicom_parts`.
"""
