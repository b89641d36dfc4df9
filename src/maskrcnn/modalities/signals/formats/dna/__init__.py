"""GenBank and FASTA."""
