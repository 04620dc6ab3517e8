"""What leaves: reports, pictures, movies, tables, DICOM."""
