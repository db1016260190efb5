# docker build -t webui . && docker run --gpus all -p 7860:7860 -v ./models:/webui/models -v ./outputs:/webui/outputs webui
FROM python:3.11-slim

RUN useradd --create-home --uid 1000 webui && install -d -o webui /webui /webui/models /webui/outputs
USER webui
WORKDIR /webui

# The packages first: they are by far the largest layer and change least.
COPY --chown=webui webui.sh requirements.txt requirements-alone.txt ./
COPY --chown=webui modules/bootstrap.py modules/
RUN ./webui.sh --exit

COPY --chown=webui . .

VOLUME ["/webui/models", "/webui/outputs"]
EXPOSE 7860
ENTRYPOINT ["./webui.sh", "--listen"]
