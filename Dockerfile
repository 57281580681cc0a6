# An image for cluster nodes: the program, torch, and CP2K.
#
#   docker build -t activecharge .
#   docker build -t activecharge --build-arg TORCH_INDEX=URL .   # the index of torch's CPU builds, or
#                                                                # of those for your GPUs
#
# campaigns/kubernetes/cluster.yaml names such an image. Not part of what CI builds.
FROM python:3.11-slim

RUN apt-get update \
 && apt-get install --yes --no-install-recommends cp2k cp2k-data wget \
 && rm -rf /var/lib/apt/lists/*

ARG TORCH_INDEX=
WORKDIR /opt/activecharge
COPY constraints.txt ./
# torch by itself, so that a change of the program does not fetch it again
RUN pip install --no-cache-dir --constraint constraints.txt torch \
    ${TORCH_INDEX:+--index-url "${TORCH_INDEX}"}
COPY pyproject.toml setup.py README.md LICENSE ./
COPY activecharge activecharge
COPY campaigns campaigns
RUN pip install --no-cache-dir --constraint constraints.txt '.[pyscf,xtb]'

RUN useradd --create-home ray
USER ray
WORKDIR /home/ray
CMD ["activecharge", "--help"]
